"""Searches by trials at the command line: what is wrong is said before anything begins, with exit code 2."""

import json
import re
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from commands import autogan
from sources import split, write_folder
from tiny import Listening
from trial_runs import trials_settings

from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import settings_to_yaml
from autogan.trials.search import begun_task, search_by_trials
from autogan.trials.storage import open_storage
from autogan.trials.study import IDENTITY, open_study


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AUTOGAN_STORAGE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A search of two trials."""
    images = write_folder(split(40, 40), tmp_path / "pets")
    settings = trials_settings(
        images, trials={"count": 2, "goals": ["frechet_distance", "parameters"]}
    )
    run = Run.create(tmp_path / "run", settings, Task("search", method="trials"))
    search_by_trials(run, Listening())
    run.close()
    (tmp_path / "config.yaml").write_text(settings_to_yaml(settings))
    return run.folder


def test_front_status_and_report_of_an_ended_search(run: Path) -> None:
    shown = autogan("front", run)
    assert shown.code == 0 and "2 of 2 trials have ended. Hypervolume" in shown.out + shown.err
    found = json.loads(autogan("front", run, "--json").out)
    assert found["goals"] == ["frechet_distance", "parameters"] and found["front"]
    status = autogan("status", run)
    assert status.code == 0 and "finished" in status.out
    again = autogan("search", "--method", "trials", "--resume", "--out", run)
    assert again.code == 0 and "nothing left to do" in again.err
    assert autogan("report", run).code == 0
    assert autogan("verify", run).code == 0
    assert autogan("sample", run, "--count", "4", "--out", "more.png").code == 0
    one = autogan("train", "--resume", "--out", run / "trials" / "00001", "--json")
    assert one.code == 0 and json.loads(one.out)["scores"]


def test_a_search_goes_on_in_the_storage_and_the_study_that_it_began_in(tmp_path: Path) -> None:
    images = write_folder(split(40, 40), tmp_path / "pets")
    settings = trials_settings(images, trials={"count": 1})
    (tmp_path / "one.yaml").write_text(settings_to_yaml(settings))
    begun = ("search", "--method", "trials", "--config", "one.yaml", "--out", "run")
    done = autogan(*begun, "--storage", "sqlite:///shared.db", "--study", "pets")
    assert done.code == 0, done.err
    before = json.loads((tmp_path / "run" / "trials.json").read_text())
    (tmp_path / "run" / "generator.safetensors").unlink()  # so that something is left to do
    again = re.search(r"go on with: autogan (.*)", done.err)
    assert again is not None and "--resume" in again[1]
    for given in ((), ("--storage", "sqlite:///shared.db", "--study", "pets")):
        assert autogan(*again[1].split(), *given).code == 0
    assert json.loads((tmp_path / "run" / "trials.json").read_text()) == before
    assert before["study"] == "pets" and before["storage"] == f"sqlite:///{tmp_path}/shared.db"
    assert not (tmp_path / "run" / "trials.sqlite3").exists()
    for option, other in (("--storage", "sqlite:///other.db"), ("--study", "autogan")):
        refused = autogan(*again[1].split(), option, other)
        assert refused.code == 2 and f"Leave {option}" in refused.err, refused.err


def test_a_password_is_asked_for_where_a_search_goes_on(tmp_path: Path) -> None:
    images = write_folder(split(4, 4), tmp_path / "pets")
    task = begun_task("postgresql+psycopg://me:secret@nowhere.invalid/gan", None)
    Run.create(tmp_path / "run", trials_settings(images), task).close()
    assert "secret" not in (tmp_path / "run" / "config.yaml").read_text()
    answer = autogan("search", "--method", "trials", "--resume", "--out", "run")
    assert answer.code == 2 and "Set AUTOGAN_STORAGE" in answer.err


def test_trials_do_not_go_on_with_a_search_with_shared_weights(tmp_path: Path) -> None:
    Run.create(tmp_path / "shared", trials_settings(tmp_path / "pets"), Task("search")).close()
    answer = autogan("search", "--method", "trials", "--resume", "--out", "shared")
    assert answer.code == 2 and "no search by trials" in answer.err


@pytest.mark.parametrize("command", ["derive", "search --resume --out", "run --resume --out"])
def test_what_is_of_shared_weights_does_not_go_on_with_it(command: str, run: Path) -> None:
    files = (file for file in run.rglob("*") if file.is_file())
    # An earlier test's connection may close its database at any moment, which writes to its files.
    before = {file: file.read_bytes() for file in files if "sqlite3" not in file.name}
    answer = autogan(*command.split(), run)
    said = " ".join(answer.err.split())
    assert answer.code == 2 and "not of this kind" in said and "search --method trials" in said
    assert {file: file.read_bytes() for file in before} == before


def test_a_worker_has_nothing_to_do_where_all_has_ended(run: Path) -> None:
    answer = autogan(
        "worker", "--storage", f"sqlite:///{run / 'trials.sqlite3'}", "--out", run / "trials"
    )
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("search", "--preset", "demo", "--out", "x", "--workers", "2"), "add --method trials"),
        (
            ("search", "--preset", "demo", "--out", "x", "--storage", "sqlite:///x.db"),
            "add --method trials",
        ),
        (("search", "--preset", "demo", "--out", "x", "--study", "y"), "add --method trials"),
        (("search", "--preset", "demo", "--out", "x", "--strategy", "best"), "reinforce"),
        (
            (
                *("search", "--preset", "demo", "--out", "x", "--method", "trials"),
                *("--strategy", "gradient"),
            ),
            "shared weights",
        ),
        (("worker",), "AUTOGAN_STORAGE"),
        (("worker", "--storage", "redis://x"), "kind 'redis'"),
        (("worker", "--storage", "redis://x", "--out", "/dev/null"), "--out /dev/null"),
        (("worker", "--storage", "redis://x", "--out", "/dev/null/x"), "--out /dev/null/x"),
        (("worker", "--storage", "sqlite:///empty.db"), "no study 'autogan'. It has none yet"),
        (("front", "."), "holds no run"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    answer = autogan(*arguments)
    assert answer.code == 2 and words in " ".join(answer.err.split()), answer.err
    assert not (tmp_path / "x").exists()


def test_the_front_of_another_run_is_refused(tmp_path: Path) -> None:
    images = write_folder(split(4, 4), tmp_path / "pets")
    Run.create(tmp_path / "other", trials_settings(images)).close()
    answer = autogan("front", "other")
    assert answer.code == 2 and "no search by trials" in answer.err


def test_a_study_of_a_newer_version_or_of_somebody_else_is_refused(
    run: Path, tmp_path: Path
) -> None:
    address = f"sqlite:///{run / 'trials.sqlite3'}"
    study = open_study(open_storage(address), "autogan")
    study.set_user_attr(IDENTITY, {**study.user_attrs[IDENTITY], "schema": 99})
    answer = autogan("worker", "--storage", address)
    assert answer.code == 2 and "newer version of autogan (schema 99" in " ".join(
        answer.err.split()
    )
    import optuna

    optuna.create_study(storage=open_storage(address), study_name="mine")
    answer = autogan("worker", "--storage", address, "--study", "mine")
    assert answer.code == 2 and "not one of autogan's" in answer.err


def test_other_images_than_the_study_has_are_refused(run: Path, tmp_path: Path) -> None:
    other = write_folder(split(41, 41), tmp_path / "others")
    answer = autogan(
        "worker", "--storage", f"sqlite:///{run / 'trials.sqlite3'}", "--data", f"folder:{other}"
    )
    assert answer.code == 2 and "images of this machine" in " ".join(answer.err.split())


def test_a_dashboard_needs_its_package_and_a_database() -> None:
    words = "trials.sqlite3" if find_spec("optuna_dashboard") else "pip install optuna-dashboard"
    answer = autogan("dashboard", ".")
    assert answer.code == 2 and words in " ".join(answer.err.split())


def test_a_port_that_is_taken_is_refused(run: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = autogan("dashboard", run, "--port", taken.getsockname()[1])
    assert answer.code == 2 and "cannot be used" in answer.err


def test_examples_for_clusters_can_be_read() -> None:
    """By a shell and a YAML parser; that they run is for a cluster to say."""
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
    indented = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    assert len(indented) >= 8 and any("sbatch" in one for one in indented)
    for commands in indented:
        read = subprocess.run(
            ["bash", "-n"], input=commands, text=True, capture_output=True, check=False
        )
        assert read.returncode == 0 and not read.stderr, commands
    (manifest,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    worker = yaml.safe_load(manifest)["spec"]["template"]["spec"]["containers"][0]
    assert worker["command"][:2] == ["autogan", "worker"]
    assert {each["name"] for each in worker["env"]} == {"AUTOGAN_CACHE", "AUTOGAN_STORAGE"}
