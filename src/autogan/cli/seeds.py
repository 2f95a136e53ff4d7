"""The same command with several seeds, one run after the other or side by side: --seeds."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from autogan.basics.errors import UserError
from autogan.cli.console import notes, tables
from autogan.device.torchrun import started_count
from autogan.files.texts import last_lines

if TYPE_CHECKING:
    from autogan.report.seeds import SeedRuns, Spread
    from autogan.runs.stopping import Stopping
    from autogan.runs.task import Task
    from autogan.settings.sections import Settings

MOST_SEEDS = 1000
STANDARD_ERROR = 2
LOOK_EVERY_SECONDS = 0.5
ENDED_WITHIN_SECONDS = 20.0
"""Time that a run has for its checkpoint when it is asked to stop."""

SeedCount = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        min=1,
        max=MOST_SEEDS,
        help="Do it with so many seeds, each in a folder of its own below --out: mean and spread of the "
        "scores.",
    ),
]
SideBySide = Annotated[
    int,
    typer.Option(
        "--side-by-side", min=1, max=MOST_SEEDS, help="How many of --seeds run at the same time."
    ),
]


def seeds_wanted(count: int | None, side_by_side: int, resume: bool, out: Path | None) -> bool:
    """Whether a command is done with several seeds: they are asked for, or those of --out go on."""
    if count is not None:
        return True
    if resume and out is not None:
        # It loads torch, which a refusal of images need not wait for.
        from autogan.runs.seeds import holds_seeds

        if holds_seeds(out):
            return True
    if side_by_side > 1:
        raise UserError("--side-by-side is of several seeds: add --seeds.")
    return False


def several(
    task: "Task",
    settings: "Settings",
    folder: Path,
    count: int | None,
    side_by_side: int,
    resume: bool,
    time_limit_seconds: float | None,
    as_json: bool,
) -> None:
    """Does a task with several seeds, and shows mean and spread.

    Every run is a process of its own. The others begin when the first has made what they share: the
    decoded images and the judge. Where one fails no other is begun, and the code of the failure is ours.
    """
    if started_count() > 1:
        raise UserError("--seeds begins processes by itself: give it without torchrun.")
    from autogan.report.seeds import write_seed_report
    from autogan.runs.seeds import begin_seeds, folder_of_seed, resume_seeds, with_judge_of
    from autogan.runs.stopping import Stopped, Stopping

    if resume:
        settings = with_judge_of(folder, settings)
        seeds = resume_seeds(folder, task, settings, count)
    else:
        assert count is not None, "given unless it is resumed"
        seeds = begin_seeds(folder, task, settings, count)
    stopping = Stopping()
    again = f"{task.resume_command(folder)} --seeds {len(seeds.seeds)}"
    if side_by_side > 1:
        again += f" --side-by-side {side_by_side}"
    waiting = [seed for seed in seeds.seeds if not _has_ended(folder, task, settings, seed)]
    runs = _Runs(task, folder, waiting, side_by_side, as_json)
    try:
        with stopping.listening(time_limit_seconds):
            runs.do(stopping)
    except Stopped as stop:
        _say(f"Stopped by {stop.reason}. Go on with: {again}")
        raise SystemExit(stop.exit_code) from None
    finally:
        found = write_seed_report(folder)
    if runs.failed is not None:
        said = f"Seed {runs.failed.seed} failed; {runs.failed.said}"
        if found.columns:
            logs = f" Its log: {folder_of_seed(folder, runs.failed.seed)}.log." * (side_by_side > 1)
            _say(f"{said}{logs} Go on with: {again}")
        else:  # what was given cannot be used: no run has begun
            _say(said)
            shutil.rmtree(folder)
        raise SystemExit(runs.failed.code)
    if as_json:
        print(json.dumps({"seeds": seeds.seeds, **found.to_plain()}))
        return
    _show(found)


def _has_ended(folder: Path, task: "Task", settings: "Settings", seed: int) -> bool:
    """Whether the run with this seed is whole, which is said."""
    from autogan.cli.opening import ended
    from autogan.runs.seeds import folder_of_seed

    result = "architectures.json" if task.command == "search" else "results.json"
    own = settings.model_copy(update={"seed": seed})
    return ended(folder_of_seed(folder, seed), task, own, result)


@dataclass(frozen=True)
class _Failure:
    seed: int
    code: int
    said: str


class _Runs:
    """The processes, each at work on one seed."""

    def __init__(
        self, task: "Task", folder: Path, seeds: list[int], side_by_side: int, as_json: bool
    ) -> None:
        self._task = task
        self._folder = folder
        self._waiting = seeds
        self._count = len(seeds)
        self._most = side_by_side
        self._as_json = as_json
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.failed: _Failure | None = None

    def do(self, stopping: "Stopping") -> None:
        """Until all runs have ended, or those that ran when one failed."""
        with self._ended_with_us():
            while self._running or (self._waiting and self.failed is None):
                while self._may_begin():
                    self._begin(self._waiting.pop(0))
                with stopping.at_once():
                    time.sleep(LOOK_EVERY_SECONDS)
                for seed, process in list(self._running.items()):
                    code = process.poll()
                    if code is None:
                        continue
                    del self._running[seed]
                    if code == 0:
                        _say(f"Seed {seed} has ended: {self._place(seed)}")
                    elif self.failed is None:
                        more = f":\n{last_lines(self._log(seed))}" if self._apart else "."
                        said = f"it ended with code {code}{more}"
                        self.failed = _Failure(seed, code if code > 0 else 128 - code, said)

    @property
    def _apart(self) -> bool:
        """Whether each run writes to a file: several would overwrite each other's lines."""
        return self._most > 1

    def _may_begin(self) -> bool:
        if not self._waiting or self.failed is not None or len(self._running) >= self._most:
            return False
        return all((self._place(seed) / "data.json").exists() for seed in self._running)

    def _begin(self, seed: int) -> None:
        from autogan.runs.config import CONFIG
        from autogan.runs.seeds import SETTINGS

        place = self._place(seed)
        command = [sys.executable, "-m", "autogan", self._task.command, "--out", str(place)]
        command += ["--config", str(self._folder / SETTINGS), "--set", f"seed={seed}"]
        if self._task.architecture is not None:
            command += ["--arch", self._task.architecture]
        if (place / CONFIG).is_file():
            command += ["--resume"]
        environment = dict(os.environ)
        if self._most > 1:
            threads = max(1, len(os.sched_getaffinity(0)) // self._most)
            environment.setdefault("OMP_NUM_THREADS", str(threads))
        _say(f"Seed {seed} ({self._count - len(self._waiting)} of {self._count}): {place}")
        with ExitStack() as files:
            output: int | BinaryIO | None = None
            error: BinaryIO | None = None
            if self._apart:
                output = error = files.enter_context(self._log(seed).open("ab"))
            elif self._as_json:
                output = STANDARD_ERROR  # the standard output is for what all seeds found
            self._running[seed] = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                start_new_session=True,  # Ctrl-C asks us, and we ask them: once
            )

    @contextmanager
    def _ended_with_us(self) -> Iterator[None]:
        """Asks those that are left to stop, with their checkpoints, and waits for them."""
        try:
            yield
        finally:
            for process in self._running.values():
                process.terminate()
            for process in self._running.values():
                try:
                    process.wait(ENDED_WITHIN_SECONDS)
                except subprocess.TimeoutExpired:  # in a step that takes long
                    process.kill()
                    process.wait()

    def _place(self, seed: int) -> Path:
        from autogan.runs.seeds import folder_of_seed

        return folder_of_seed(self._folder, seed)

    def _log(self, seed: int) -> Path:
        return self._folder / f"seed-{seed}.log"


def _show(found: "SeedRuns") -> None:
    from rich.table import Table
    from rich.text import Text

    from autogan.report.page import REPORT

    table = Table("seed", "architecture")
    for column, seed in zip(found.columns, found.seeds.seeds, strict=True):
        table.add_row(str(seed), Text(column.found.text or "–", overflow="fold"))
    tables.print(table)
    if found.scores:
        show_spreads(found.scores, found.scored, found.comparison.groups[0].judge)
    if found.comparison.caution:
        notes.print(found.comparison.caution)
    _say(f"report: {found.folder / REPORT}")


def show_spreads(scores: "dict[str, Spread]", count: int, judge: str) -> None:
    """A table of means with their deviations."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"Mean and standard deviation of {count} seeds, judge {judge}"))
    for name in ("", "mean ± deviation", "lowest", "highest", "better is"):
        table.add_column(name, justify="right" if name else "left")
    for score in scores.values():
        ends = (f"{end(score.values):.4g}" for end in (min, max))
        table.add_row(score.name, str(score), *ends, score.better)
    tables.print(table)


def _say(text: str) -> None:
    notes.print(text, highlight=False, markup=False, soft_wrap=True)
