"""Folders of runs that version 0.1.0 finished can be reported, verified, sampled and compared.

What it said of its own folder is compared to the byte; of the page, what is drawn and measured.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from commands import autogan

DATA = Path(__file__).parents[1] / "data" / "run-0.1.0"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, unpacked; it is named as it was when it was made."""
    with tarfile.open(DATA / "run.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    return Path("run-0.1.0")


def said(*arguments: object) -> str:
    answer = autogan(*arguments)
    assert answer.code == 0, answer.err
    return answer.out


def drawn(page: str) -> list[list[str]]:
    """The diagrams without their colours, the words of the tree, the pictures, what stands in tables and
    as code."""
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    diagram = r'<svg[^>]*class="autogan-diagram".*?</svg>'
    (tree,) = re.findall(r'<svg[^>]*class="tree".*?</svg>', page, flags=re.DOTALL)
    found = (diagram, r'src="data:[^"]*"', r"<td>.*?</td>", r"<code>.*?</code>")
    words = sorted(re.findall(r">([^<>]+)</t", tree))
    return [words, *(sorted(re.findall(pattern, page, flags=re.DOTALL)) for pattern in found)]


def test_verify_says_the_same(run: Path) -> None:
    assert said("verify", run, "--json") == (DATA / "verify.json").read_text()


def test_compare_says_the_same(run: Path) -> None:
    assert said("compare", run, run, "--json") == (DATA / "compare.json").read_text()


def test_status_says_the_same(run: Path) -> None:
    found, before = (
        json.loads(said("status", run, "--json")),
        json.loads((DATA / "status.json").read_text()),
    )
    assert found.pop("seconds_since_write") >= 0 and before.pop("seconds_since_write") >= 0
    assert found.pop("limits") == ""  # 0.1.0 knew none
    assert found.pop("strategy") is None  # of the searches that are still to be done
    game = "hinge loss, spectral norm; no classes told; no augmentation"
    assert found.pop("trains_with") == game  # 0.1.0 did not say it
    assert found == before


def test_its_page_shows_the_same(run: Path) -> None:
    before = (run / "report.html").read_text()
    said("report", run)
    page = (run / "report.html").read_text()
    page = page.replace(
        "<code>reinforce</code>", "", 1
    )  # its strategy, which version 0.1.0 did not name
    page, longer = re.subn("<p>To train it longer.*?</p>", "", page)  # nor how to do that
    assert longer == 1
    assert page.count('<svg class="chart"') == before.count('<svg class="chart"') == 7
    assert drawn(page) == drawn(before) and all(drawn(page))
    said("verify", run)


def test_its_generator_can_be_sampled_and_stands_in_no_table(run: Path, tmp_path: Path) -> None:
    said("sample", run / "generator.safetensors", "--count", 4, "--out", tmp_path / "new.png")
    assert (tmp_path / "new.png").stat().st_size > 100
    board = json.loads(said("leaderboard", run, "--json"))
    assert "its judge is domain-" in board["apart"]["run-0.1.0"]


def test_going_on_with_it_finds_nothing_left(run: Path) -> None:
    answer = autogan("run", "--resume", "--out", run, "--json")
    assert answer.code == 0 and "has ended" in answer.err
    assert json.loads(answer.out) == json.loads((run / "results.json").read_text())


def test_its_unfinished_work_is_taken_up(run: Path, tmp_path: Path) -> None:
    """The checkpoints of 0.1.0 are read: what is missing of the end is made again, with equal scores.

    By its judge, which another kind of processor would train otherwise.
    """
    shutil.copytree(DATA / "judges", tmp_path / "cache" / "judges")
    subprocess.run([sys.executable, DATA / "images.py"], check=True, cwd=tmp_path)
    before = json.loads((run / "results.json").read_text())
    for name in ("results.json", "generator.safetensors", "checksums.json"):
        (run / name).unlink()
    shutil.rmtree(run / "pictures")
    assert json.loads(said("status", run, "--json"))["left"] == ["evaluate"]
    answer = autogan("run", "--resume", "--out", run, "--json")
    assert answer.code == 0, answer.err
    again = json.loads(answer.out)
    assert again["architecture"] == before["architecture"]
    assert again["scores"]["frechet_distance"] == pytest.approx(
        before["scores"]["frechet_distance"], rel=1e-3
    )
    said("verify", run)
