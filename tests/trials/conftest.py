"""Where searches by trials are tested."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgresql import Server
from sources import split, write_folder
from trial_processes import LONG, Process
from trial_runs import trials_settings

from autogan.settings.loading import settings_to_yaml


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache and a working folder of the test's own, without a storage from outside."""
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AUTOGAN_STORAGE", raising=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_folder(split(40, 40), tmp_path / "pets")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
        server.remove()


@pytest.fixture
def begin(images: Path, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts `autogan search --method trials` in the folder run, in a process group of its own."""
    config = tmp_path / "config.yaml"
    settings = trials_settings(images, trials=LONG, checkpoint_every_minutes=0.01)
    config.write_text(settings_to_yaml(settings))
    begun: list[Process] = []

    def start(*options: str, **variables: str) -> Process:
        command = [sys.executable, "-m", "autogan", "search", "--method", "trials", "--out", "run"]
        known = [] if "--resume" in options else ["--config", str(config)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
        process = subprocess.Popen(
            [*command, *known, *options],
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=(tmp_path / "said.txt").open("ab"),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        process.wait()
