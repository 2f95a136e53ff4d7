"""Where a run is, and whether a process is at work on it, told from its folder alone."""

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogan.runs.checkpoints import newest_positions
from autogan.settings.sections import Settings
from autogan.basics.errors import UserError
from autogan.runs.locking import is_locked
from autogan.progress.base import Cost
from autogan.runs.folder import Task, derive_command, read_json, read_settings, read_task
from autogan.runs.workload import Workload


@dataclass(frozen=True)
class Status:
    """Where a run is.

    running: whether a process is at work on it.
    part: "data and judge", "search", "derive", "train", "evaluate" or "finished".
    position: where inside the part, in words. kept: what going on would start from.
    share: of the run's work that is done and kept, 0 to 1; None while the data are not loaded.
    left: the parts that are still to be done, the present one first.
    seconds_since_write: since any file of the folder was written.
    next_command: the command line that goes on; None where nothing is left, or where the run does
        not say which command it is of.
    """

    command: str | None
    running: bool
    part: str
    position: str
    kept: str
    share: float | None
    left: list[str]
    seconds_since_write: float
    next_command: str | None


def status_of(folder: Path) -> Status:
    """Reads a run's folder; raises `UserError` where it holds no run."""
    return _Folder(folder).status()


class _Folder:
    """What a run's folder says, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: Settings = read_settings(folder)
        self.task: Task | None = read_task(folder)
        self.data: dict[str, Any] | None = read_json(folder / "data.json")
        self.derived: dict[str, Any] | None = read_json(folder / "derive.json")
        self.at = newest_positions(folder)
        """Where the newest state of every part stands."""
        self.log = _read_log(folder / "log.jsonl")
        try:
            self.damaged_results = False
            read_json(folder / "results.json")
        except UserError:  # going on makes them again
            self.damaged_results = True

    @property
    def command(self) -> str | None:
        return self.task.command if self.task else None

    def parts(self) -> list[str]:
        """All parts of this run, in order. A run of an unknown command is taken for a whole one."""
        if self.command == "train":
            return ["data and judge", "train", "evaluate"]
        if self.command == "search":
            return ["data and judge", "search"] + ["derive"] * bool(self.derived)
        budget = self.settings.derive.generator_steps
        trains = budget not in (None, self.settings.train.generator_steps)
        return ["data and judge", "search", "derive", *["train"] * trains, "evaluate"]

    def ended(self, part: str) -> bool:
        match part:
            case "data and judge":
                return self.data is not None
            case "search":
                return self.searched() == self.settings.search.iterations
            case "derive":
                done = self.at.get("derive", {"candidates": 0, "of": 1})
                return bool(done["candidates"] == min(self.settings.derive.top, done["of"]))
            case "train":
                return self.trained("train") == self.settings.train.generator_steps
        ended = ("results.json", "generator.safetensors")
        return all((self.folder / name).exists() for name in ended) and not self.damaged_results

    def searched(self) -> int:
        """Iterations of the search that are done and kept."""
        return int(self.at.get("search", {"iteration": 0})["iteration"])

    def trained(self, name: str) -> int:
        """Generator steps of a training that are done and kept."""
        return int(self.at.get(name, {"step": 0})["step"])

    def derived_candidates(self) -> int:
        """Candidates whose training has ended, well or not."""
        return int(self.at.get("derive", {"candidates": 0})["candidates"])

    def status(self) -> Status:
        parts = self.parts()
        left = [part for part in parts if not self.ended(part)]
        part = left[0] if left else "finished"
        position, kept = self._where(part)
        return Status(
            self.command,
            is_locked(self.folder),
            part,
            position,
            kept,
            self._share(parts),
            left,
            self._seconds_since_write(),
            self._next_command(part),
        )

    def _where(self, part: str) -> tuple[str, str]:
        """Position in a part, and what is kept of it, in words."""
        if part == "data and judge":
            judge = self.at.get("judge")
            kept = f"{judge['step']} of {judge['of']} steps of the judge" if judge else ""
            return "", kept
        if part == "search":
            done, all_of_them = self.searched(), self.settings.search.iterations
            starts = self.settings.search.stage_starts()
            stage = sum(start <= done for start in starts)
            position = (
                f"iteration {done + 1} of {all_of_them}, stage {stage} of {self.settings.cells}"
            )
            kept = f"{done} of {all_of_them} iterations"
            at = self.at.get("search", {"phase": "shared training", "step": 0})
            if at["phase"] != "shared training" or at["step"]:
                kept += f" and {at['phase']} to step {at['step']}"
            return position, kept
        if part == "derive":
            if "derive" not in self.at:
                return "scoring candidates with the shared weights", "the whole search"
            number = self.derived_candidates()
            budget = self.settings.derive.generator_steps or self.settings.train.generator_steps
            where, kept = self._training(f"candidate-{number}", budget)
            trained = f"{number} of {self.settings.derive.top} candidates"
            return f"candidate {number + 1}: {where}", f"{trained}, then {kept}"
        if part == "train":
            return self._training("train", self.settings.train.generator_steps)
        return "", "all parts before it" if part == "evaluate" else ""

    def _training(self, name: str, steps: int) -> tuple[str, str]:
        kept = self.trained(name)
        seen = [line.get("step", 0) for line in self.log if line.get("part") == name]
        return f"step {max([kept, *seen])} of {steps}", f"{kept} of {steps} steps"

    def _share(self, parts: list[str]) -> float | None:
        """By the work of what is kept; the judge's training is left out."""
        if self.data is None:
            return None
        work = Workload(self.settings, self.data["training_images"], judge_examples=0)
        train_steps = self.settings.train.generator_steps
        derive_steps = self.settings.derive.generator_steps or train_steps
        candidates = self.derived_candidates()
        derived = [work.candidates()] if "derive" in self.at else []
        derived += [candidates * load for load in work.training(derive_steps)]
        derived += work.training(self.trained(f"candidate-{candidates}"))
        done: dict[str, list[Cost]] = {
            "search": work.search(self.searched()),
            "derive": derived,
            "train": work.training(self.trained("train")),
            "evaluate": [work.evaluation()] if self.ended("evaluate") else [],
        }
        plan = {**work.plan(), "train": work.training(train_steps)}
        counted = [part for part in parts if part in done]
        planned = sum(load.work for part in counted for load in plan[part])
        return min(1.0, sum(load.work for part in counted for load in done[part]) / planned)

    def _seconds_since_write(self) -> float:
        latest = 0.0
        for file in self.folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # a run at work removes what it replaces
                latest = max(latest, file.stat().st_mtime if file.is_file() else 0.0)
        return max(0.0, time.time() - latest)

    def _next_command(self, part: str) -> str | None:
        if self.task is None:
            return None
        if self.command == "search" and part in ("derive", "finished"):
            ended = part == "finished" and self.derived is not None
            return None if ended else derive_command(self.folder)
        return None if part == "finished" else self.task.resume_command(self.folder)


def _read_log(file: Path) -> list[dict[str, Any]]:
    """The lines of the log; the last one may be half-written, by a run at work, and is left out."""
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").split("\n")
    try:
        return [json.loads(line) for line in lines[:-1]]
    except ValueError as error:
        raise UserError(f"{file} is damaged: {error}.") from None
