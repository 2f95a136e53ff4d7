"""`--seeds`: runs with several seeds, one judge, mean and spread; stopped, gone on with, and refused."""

import json
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import autogan
from sources import split, write_folder
from tiny import tiny

from autogan.runs.seed_processes import SeedProcesses
from autogan.runs.seeds import begin_seeds
from autogan.runs.task import Task
from autogan.settings.loading import load_settings, settings_to_yaml

ARCHITECTURE = "pre-batch-nearest/pre-batch-nearest+skip0"
FAILING = ("evaluate.protocol=sngan", "evaluate.images=5000", "evaluate.inception_splits=10")
"""With so few images."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = write_folder(split(40, 30), tmp_path_factory.mktemp("pets") / "pets")
    file = tmp_path_factory.mktemp("settings") / "tiny.yaml"
    file.write_text(settings_to_yaml(tiny(data={"source": f"folder:{images}"})))
    return file


@pytest.fixture(scope="module")
def trained(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds side by side."""
    out = tmp_path_factory.mktemp("several") / "runs"
    command = ["train", "--arch", ARCHITECTURE, "--config", config, "--out", out]
    done = autogan(*command, "--seeds", "2", "--side-by-side", "2")
    assert done.code == 0, done.err
    return out


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def test_every_seed_is_a_run_of_its_own_with_one_judge_for_all(trained: Path) -> None:
    found = read(trained / "seeds.json")
    assert found["seeds"] == [0, 1] and found["ended"] == 2
    results = [read(trained / f"seed-{seed}" / "results.json") for seed in (0, 1)]
    assert results[0]["judge"]["name"] == results[1]["judge"]["name"]
    distances = [r["scores"]["frechet_distance"] for r in results]
    assert distances[0] != distances[1]
    told = found["scores"]["frechet_distance"]
    assert told["values"] == distances
    assert told["mean"] == pytest.approx(statistics.fmean(distances))
    assert told["std"] == pytest.approx(statistics.stdev(distances))


def test_the_page_shows_mean_spread_and_the_way_to_each_report(trained: Path) -> None:
    page = (trained / "report.html").read_text()
    told = read(trained / "seeds.json")["scores"]["frechet_distance"]
    assert f"{told['mean']:.4g} ± {told['std']:.2g}" in page
    for seed in (0, 1):
        assert f'href="seed-{seed}/report.html"' in page
        assert (trained / f"seed-{seed}" / "report.html").exists()


def test_a_seed_is_the_run_that_it_would_be_alone(trained: Path, tmp_path: Path) -> None:
    settings, out = trained / "settings.yaml", tmp_path / "alone"
    done = autogan(
        *("train", "--arch", ARCHITECTURE, "--config", settings, "--set", "seed=1"),
        *("--out", out),
    )
    assert done.code == 0, done.err
    alone = read(out / "results.json")["scores"]
    assert alone == read(trained / "seed-1" / "results.json")["scores"]


def test_more_seeds_are_added_to_those_that_ended(trained: Path) -> None:
    before = (trained / "seed-0" / "results.json").stat().st_mtime_ns
    done = autogan("train", "--resume", "--out", trained, "--seeds", "3", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["seeds"] == [0, 1, 2] and len(told["scores"]["recall"]["values"]) == 3
    assert (trained / "seed-0" / "results.json").stat().st_mtime_ns == before


def test_status_tells_of_every_seed(trained: Path) -> None:
    told = json.loads(autogan("status", trained, "--json").out)
    assert {one["part"] for one in told.values()} == {"finished"} and "0" in told
    assert "seed 1:" in autogan("status", trained).out


def stopped_when(text: str, file: Path, *arguments: object) -> str:
    """What a command says that is ended by SIGTERM when a file holds a text."""
    command = [sys.executable, "-m", "autogan", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (file.is_file() and text in file.read_text()):
            time.sleep(0.2)
        process.terminate()
        said = process.communicate()[1]
    assert process.returncode == 128 + signal.SIGTERM, said
    return said


def test_what_was_stopped_goes_on(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ["search", "--config", config, "--out", out, "--seeds", 2]
    slow = ("--set", "search.shared_epochs=20000")
    said = stopped_when("losses", out / "seed-0" / "log.jsonl", *command, *slow)
    again = f"autogan search --resume --out {out} --seeds 2"
    assert f"Stopped by SIGTERM. Go on with: {again}" in said
    assert read(out / "seeds.json")["ended"] == 0
    told = json.loads(autogan("status", out, "--json").out)
    assert not told["0"]["running"] and told["0"]["kept"] and told["1"] is None
    apart = ("search", "--resume", "--out", out, "--side-by-side", 2)
    said = stopped_when("The search goes on after", out / "seed-0.log", *apart)
    assert "Seed 0 (1 of 2)" in said


def test_a_failure_ends_all_and_is_named(trained: Path, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    done = autogan(
        *("train", "--arch", ARCHITECTURE, "--config", config, "--out", out),
        *("--seeds", "2", *(word for one in FAILING for word in ("--set", one))),
    )
    assert done.code == 2
    assert "Seed 0 failed; it ended with code 2." in done.err
    assert not out.exists()  # nothing has begun, so the next try has a free folder


def test_a_failure_takes_away_what_the_command_made_and_nothing_else(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train", "--arch", ARCHITECTURE, "--config", config, "--seeds", "2"]
    command += [word for one in FAILING for word in ("--set", one)]
    assert autogan(*command, "--out", tmp_path / "a" / "b").code == 2
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to("place")
    assert autogan(*command, "--out", tmp_path / "link", "--side-by-side", "2").code == 2
    assert (tmp_path / "link").is_symlink() and list((tmp_path / "place").iterdir()) == []
    out, begin = tmp_path / "runs", SeedProcesses._begin

    def while_somebody_writes_there(runs: SeedProcesses, seed: int) -> None:
        (out / "precious.txt").touch()
        begin(runs, seed)

    monkeypatch.setattr(SeedProcesses, "_begin", while_somebody_writes_there)
    assert autogan(*command, "--out", out).code == 2
    assert [file.name for file in out.iterdir()] == ["precious.txt"]


def test_seeds_that_go_on_are_kept_where_none_can_begin(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    settings = load_settings(None, config, FAILING)
    begin_seeds(out, Task("train", ARCHITECTURE), settings, 2)
    done = autogan("train", "--resume", "--out", out)
    assert (
        done.code == 2 and "Seed 0 failed" in done.err and "Go on with: autogan train" in done.err
    )
    assert (out / "seeds.json").exists() and (out / "settings.yaml").exists()


def test_seeds_go_on_from_another_folder(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = Path(yaml.safe_load(config.read_text())["data"]["source"].removeprefix("folder:"))
    monkeypatch.chdir(images.parent)
    command = ["train", "--arch", ARCHITECTURE, "--config", config]
    command += ["--data", f"folder:{images.name}", "--out", tmp_path / "runs"]
    assert autogan(*command, "--seeds", 1).code == 0
    monkeypatch.chdir(tmp_path)
    more = autogan("train", "--resume", "--out", tmp_path / "runs", "--seeds", 2)
    assert more.code == 0 and "Seed 1 has ended" in more.err, more.err
    monkeypatch.chdir(images.parent)
    assert autogan(*command, "--resume").code == 0


def test_a_generator_is_scored_with_several_sets_of_latents(trained: Path) -> None:
    file = trained / "seed-0" / "generator.safetensors"
    done = autogan("evaluate", file, "--seeds", "2", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    own = read(trained / "seed-0" / "results.json")["scores"]["frechet_distance"]
    values = told["scores"]["frechet_distance"]["values"]
    assert values[0] == own and values[1] != own
    assert told["scores"]["frechet_distance"]["std"] == pytest.approx(statistics.stdev(values))


def test_a_setting_that_may_not_change_is_refused_before_anything_is_written(
    trained: Path, config: Path
) -> None:
    before = (trained / "settings.yaml").read_text()
    done = autogan("train", "--resume", "--out", trained, "--set", "train.learning_rate=0.5")
    assert done.code == 2 and "train.learning_rate" in done.err
    assert (trained / "settings.yaml").read_text() == before
    assert autogan("train", "--resume", "--out", trained).code == 0
    # The command that began it, and --resume:
    assert autogan("train", "--config", config, "--resume", "--out", trained).code == 0
    assert (trained / "settings.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--seeds", "0"), "Invalid value for '--seeds'"),
        (("run", "--side-by-side", "2", "--out", "x"), "--side-by-side is of several seeds"),
        (("search", "--method", "trials", "--seeds", "2", "--out", "x"), "--seeds is of searches"),
        (("train", "--resume", "--seeds", "1", "--out", "TRAINED"), "give --seeds of no fewer"),
        (("run", "--resume", "--out", "TRAINED"), "was made by `autogan train`"),
        (("train", "--arch", ARCHITECTURE, "--seeds", "2", "--out", "TRAINED"), "is not empty"),
        (("report", "TRAINED"), "seed-"),
        (("run", "--seeds", "2", "--out", "ONE"), "exists and is not an empty folder. Choose"),
        (("run", "--seeds", "2", "--out", "FILE"), "exists and is not an empty folder. Choose"),
    ],
)
def test_what_cannot_be_done_is_refused(
    arguments: tuple[str, ...], said: str, trained: Path, config: Path
) -> None:
    places = {
        "TRAINED": trained,
        "ONE": trained / "seed-0",
        "FILE": trained / "seeds.json",
    }
    given: list[object] = [places.get(one, one) for one in arguments]
    if arguments[0] != "report" and "--resume" not in arguments:
        given += ["--config", config]
    done = autogan(*given)
    assert done.code == 2, done.err
    assert said in " ".join(done.err.split())
