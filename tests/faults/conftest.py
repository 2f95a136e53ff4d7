"""A place to run, kill and compare small runs, in processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from _pytest.terminal import TerminalReporter
from PIL import Image, ImageDraw

SETTINGS = """
compute: {device: cpu, precision: float32}
data: {image_size: 16}
network: {latent_size: 8}
judge: {image_size: 16, width: 8, epochs: 2, batch_size: 16, learning_rate: 0.05}
log_every_steps: 1
search:
  stage_weights: [1, 1]
  iterations: 3
  shared_epochs: null
  shared_steps: 6
  controller_steps: 3
  reward_images: 60
  candidates: 3
  beams: 2
  generator_channels: 8
  discriminator_channels: 8
  generator_batch: 8
  discriminator_batch: 8
  discriminator_steps: 2
derive: {candidates: 3, top: 2, generator_steps: 6}
train:
  generator_channels: 8
  discriminator_channels: 8
  generator_batch: 8
  discriminator_batch: 8
  discriminator_steps: 1
  generator_steps: 10
  validate_every_steps: 4
  validation_images: 60
evaluate: {images: 60, inception_splits: 2}
"""
COLOURS = ("crimson", "gold", "lime", "teal", "navy", "purple", "white")
OWN = ("seconds", "peak_memory_mib", "recompute")
"""What is a run's own: times, memory, and a command that names its folder."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="the fault suite in full")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a working folder of the test's own."""
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def torture(request: pytest.FixtureRequest) -> bool:
    """Whether the suite runs in full."""
    return bool(request.config.getoption("--torture", default=False))


class Process:
    """A started command. It is ended by a signal, or waited for."""

    def __init__(self, server: "subprocess.Popen[str]", output: Path, request: str) -> None:
        assert server.stdin is not None and server.stdout is not None
        self.output = output
        self._server_says = server.stdout
        server.stdin.write(request + "\n")
        server.stdin.flush()
        self.pid = int(self._server_says.readline())
        self._code: int | None = None
        self._waiter = threading.Thread(target=self._wait)
        self._waiter.start()

    def _wait(self) -> None:
        self._code = int(self._server_says.readline())

    def running_after(self, seconds: float) -> bool:
        """Waits, no longer than the process runs; whether it still does."""
        self._waiter.join(seconds)
        return self._waiter.is_alive()

    def send(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self._waiter.is_alive():
            os.kill(self.pid, number)

    def ended(self, within_seconds: float = 120) -> int:
        """Its exit code; negative: the signal that ended it."""
        self._waiter.join(within_seconds)
        if self._waiter.is_alive():
            os.kill(self.pid, signal.SIGKILL)
            self._waiter.join()
            raise AssertionError(f"did not end:\n{self.output.read_text()}")
        assert self._code is not None
        return self._code


class Arena:
    """Images, settings and a server of processes; each run has a folder and a cache of its own."""

    def __init__(self, home: Path, server: "subprocess.Popen[str]") -> None:
        self.home = home
        self._server = server
        (home / "settings.yaml").write_text(SETTINGS)
        for split, count in (("train", 30), ("test", 15)):
            for name in ("disc", "box", "bar"):
                (home / "shapes" / split / name).mkdir(parents=True)
                for number in range(count):
                    file = home / "shapes" / split / name / f"{number}.png"
                    shape(name, number).save(file)
        self.reference = home / "reference"
        began = time.monotonic()
        self.finish(self.begin(self.reference, every_minutes=10))
        self.seconds = time.monotonic() - began
        """What an undisturbed run takes."""

    def start(self, folder: Path, *arguments: object) -> Process:
        """Starts a command whose run is in `folder`; what it prints goes beside it."""
        output = folder.with_suffix(".txt")
        output.touch()
        request = {
            "arguments": [str(argument) for argument in arguments],
            "environment": {"AUTOGAN_CACHE": str(folder.with_suffix(".cache"))},
            "output": str(output),
        }
        return Process(self._server, output, json.dumps(request))

    def begin(self, folder: Path, *more: object, every_minutes: float = 0) -> Process:
        """Starts a new run that keeps its state this often; 0: after every step."""
        return self.start(
            folder, "run", "--config", self.home / "settings.yaml", "--data",
            f"folder:{self.home / 'shapes'}", "--out", folder,
            "--set", f"checkpoint_every_minutes={every_minutes}", *more,
        )  # fmt: skip

    def resume(self, folder: Path, *more: object) -> Process:
        """Starts what goes on with a run, or, where it was killed before it was one, begins it."""
        if not (folder / "config.yaml").exists():
            return self.begin(folder, *more)
        return self.start(folder, "run", "--resume", "--out", folder, *more)

    def finish(self, process: Process) -> str:
        """Waits for a command that must succeed; what it printed."""
        code = process.ended()
        printed = process.output.read_text()
        assert code == 0, printed
        return printed

    def assert_as_undisturbed(self, folder: Path) -> None:
        """The run in `folder` is the undisturbed one to the bit, but for times."""
        assert list(differences(story(self.reference), story(folder))) == []

    def forget(self, folder: Path) -> None:
        """Removes a run with all that lies beside it."""
        for beside in (folder, folder.with_suffix(".cache")):
            shutil.rmtree(beside, ignore_errors=True)


def shape(name: str, number: int) -> Image.Image:
    image = Image.new("RGB", (16, 16), COLOURS[number % 7])
    draw, ink = ImageDraw.Draw(image), COLOURS[(number + 1 + number // 7) % 7]
    left, top = number % 4, number // 4 % 4
    box = (left, top, left + 10, top + (3 if name == "bar" else 10))
    (draw.ellipse if name == "disc" else draw.rectangle)(box, fill=ink)
    return image


def story(folder: Path) -> dict[str, Any]:
    """All that a finished run holds, without what must differ between two runs."""
    from autogan.files.storage import load_tree
    from autogan.runs.file_names import checkpoint_files

    told: dict[str, Any] = {}
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if file.suffix == ".json" and name not in ("timings.json", "checksums.json"):
            told[name] = without_own(json.loads(file.read_text()))
        elif name == "log.jsonl":
            told[name] = [without_own(json.loads(line)) for line in file.read_text().splitlines()]
        elif file.suffix == ".png":
            told[name] = file.read_bytes()
        elif file.suffix == ".safetensors" and file.parent.name != "checkpoints":
            # Settings in its metadata may differ in how often states are kept.
            told[name] = tensors_of(file)
    for part in ("search", "train"):
        told[part] = without_own(load_tree(checkpoint_files(folder, part)[-1]))
    told["curves"] = curves(folder / "tensorboard")
    return told


def tensors_of(file: Path) -> dict[str, torch.Tensor]:
    from autogan.files.storage import load_tensors

    return load_tensors(file, must_be_checked=True)[0]


def without_own(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_own(value) for key, value in tree.items() if key not in OWN}
    return [without_own(item) for item in tree] if isinstance(tree, list) else tree


def differences(expected: Any, found: Any, name: str = "") -> Iterator[str]:
    """Where two trees differ, to the bit."""
    if isinstance(expected, torch.Tensor) and isinstance(found, torch.Tensor):
        if not torch.equal(expected, found):
            yield f"{name}: other values"
    elif isinstance(expected, dict) and isinstance(found, dict):
        for key in {**expected, **found}:
            if key not in found or key not in expected:
                yield f"{name}/{key}: only in one"
            else:
                yield from differences(expected[key], found[key], f"{name}/{key}")
    elif isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        if len(expected) != len(found):
            yield f"{name}: {len(expected)} and {len(found)} items"
        for number, pair in enumerate(zip(expected, found, strict=False)):
            yield from differences(*pair, f"{name}/{number}")
    elif expected != found:
        yield f"{name}: {str(expected)[:80]!r} and {str(found)[:80]!r}"


def curves(folder: Path) -> list[tuple[str, int, float]]:
    """Every point of every TensorBoard curve, each as often as it is drawn."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    points = []
    for file in folder.iterdir():
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                points.append((value.tag, event.step, float(value.tensor.float_val[0])))
    return sorted(points)


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Where runs are killed; with an undisturbed one to compare with."""
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "COLUMNS": "200"},
    )
    assert server.stdin is not None and server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    try:
        yield Arena(tmp_path_factory.mktemp("arena"), server)
    finally:
        server.stdin.close()
        server.wait(30)


FIGURES: list[tuple[str, int, str]] = []


@pytest.fixture(scope="session")
def record() -> Any:
    """Notes a kind of fault, how often it was made, and what came of it; printed at the end."""

    def note(fault: str, times: int, outcome: str) -> None:
        FIGURES.append((fault, times, outcome))

    return note


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """The figures of a full run, as the table for docs/reliability.md."""
    if FIGURES and config.getoption("--torture", default=False):
        terminalreporter.write_line("| fault | times | outcome |\n| --- | --- | --- |")
        for fault, times, outcome in FIGURES:
            terminalreporter.write_line(f"| {fault} | {times} | {outcome} |")
