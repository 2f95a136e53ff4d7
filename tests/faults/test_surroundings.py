"""A hostile machine and foreign run folders: odd variables, low limits, links that lead elsewhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import autogan
from hostile import run_files

from autogan.basics.errors import UserError
from autogan.runs.folder import Run
from autogan.settings.loading import load_settings


def program(script: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a line of bash in which `$0 -m autogan` is the program."""
    return subprocess.run(
        ["bash", "-c", script, sys.executable],
        capture_output=True, text=True, errors="replace", timeout=120, check=False, cwd=folder,
        env={**os.environ, "AUTOGAN_CACHE": str(folder / "cache"), **environment},
    )  # fmt: skip


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for name, content in run_files().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTOGAN_CACHE", "~nobody-of-this-name/cache"),
        ("AUTOGAN_CACHE", "/proc/x"),
        ("AUTOGAN_CACHE", "/etc/passwd"),
        ("OMP_NUM_THREADS", "abc"),
        ("CUDA_VISIBLE_DEVICES", "junk,-5"),
        ("TMPDIR", "/nonexistent"),
        ("LC_ALL", "xx_YY.junk"),
        ("COLUMNS", "-5"),
        ("COLUMNS", "abc"),
        ("TERM", "dumb"),
        ("PYTHONIOENCODING", "utf-16"),
    ],
)
def test_odd_variables_give_no_traceback(name: str, value: str, tmp_path: Path) -> None:
    ended = program('"$0" -m autogan data info glyphs --image-size 16', tmp_path, **{name: value})
    said = ended.stdout + ended.stderr
    assert ended.returncode in (0, 2) and "Traceback" not in said, said
    if name == "AUTOGAN_CACHE":
        assert ended.returncode == 2 and "AUTOGAN_CACHE" in said


def test_a_reader_s_own_matplotlib_has_no_say(finished: Path) -> None:
    (finished / "results.json").unlink()
    ended = program(
        '"$0" -m autogan report run', finished.parent, MPLBACKEND="junk", MPLCONFIGDIR="/proc/x"
    )
    assert ended.returncode == 0, ended.stderr
    assert "</html>" in (finished / "report.html").read_text()


@pytest.mark.parametrize("files", [5, 6, 8])
def test_too_few_open_files_are_a_message(files: int, tmp_path: Path) -> None:
    ended = program(f'ulimit -n {files}; "$0" -m autogan search --data glyphs --out run', tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr and "Too many open files" in ended.stderr


def test_where_errors_cannot_be_written_the_exit_code_says_it(tmp_path: Path) -> None:
    assert program('"$0" -m autogan status none 2>/dev/full', tmp_path).returncode == 2
    assert program('"$0" -m autogan --nothing 2>/dev/full', tmp_path).returncode == 2


def test_a_run_s_folder_has_a_name_of_text(tmp_path: Path) -> None:
    folder = tmp_path / "\udcff"
    with pytest.raises(UserError, match="not UTF-8"):
        Run.create(folder, load_settings())
    assert not folder.exists()


PLACES = (
    *("lock", "log.jsonl", "tensorboard", "checkpoints", "candidates", "pictures"),
    *("trials", "trials.sqlite3", "trials.sqlite3-wal", "trials.sqlite3.lock", "workers"),
)


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", ["file", "folder", "nothing", "pipe"])
def test_a_run_that_goes_on_writes_to_its_own_folder_only(
    name: str, kind: str, tmp_path: Path
) -> None:
    folder, victim = tmp_path / "run", tmp_path / "victim"
    Run.create(folder, load_settings()).close()
    place = folder / name
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    if kind == "file":
        victim.write_text("precious\n")
    elif kind == "folder":
        victim.mkdir()
        (victim / "precious").touch()
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(victim)
    with pytest.raises(UserError, match=f"{name} is a link, or no f"):
        Run.resume(folder)
    if kind == "file":
        assert victim.read_text() == "precious\n"
    elif kind == "folder":
        assert [file.name for file in victim.iterdir()] == ["precious"]
    else:
        assert not victim.exists()


SLOW_YAML = {
    "a long list": "seed: [" + "1," * 400_000 + "]",
    "many names": "".join(f"k{number}: 1\n" for number in range(60_000)),
    "names below the limit": "".join(f"k{number}: 1\n" for number in range(6_000)),
}


@pytest.mark.parametrize("name", SLOW_YAML)
@pytest.mark.timeout(60)
def test_long_settings_are_refused_soon_and_in_few_words(name: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(SLOW_YAML[name])
    with pytest.raises(UserError) as refused:
        load_settings(None, file)
    assert len(str(refused.value)) < 10_000


def test_no_more_architectures_are_drawn_than_can_be_held() -> None:
    answer: Any = autogan("arch", "random", "--count", 10**13)
    assert answer.code == 2 and "100000" in answer.err


@pytest.mark.parametrize("option", ["--channels", "--bottom-size", "--latent-size"])
@pytest.mark.parametrize("value", [10**7, 10**400])
def test_sizes_beyond_all_sense_are_refused(option: str, value: int) -> None:
    answer: Any = autogan("arch", "show", "A", option, value)
    assert answer.code == 2 and "Traceback" not in answer.err


def test_no_more_fruit_is_drawn_than_a_person_waits_for(tmp_path: Path) -> None:
    answer: Any = autogan("data", "example", "fruit", "--out", tmp_path / "x", "--count", 10**9)
    assert answer.code == 2 and not (tmp_path / "x").exists()
