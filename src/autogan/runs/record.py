"""What a run's folder says, in whatever state the run is: the one reader of report, status and verify.

A run that has just begun, was interrupted, or was made by a newer version still has a record: what
cannot be used is left out, and a plain sentence in `problems` says so. Reading takes no torch; only
`positions` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from autogan.basics.version import RESULTS_SCHEMA
from autogan.judges.values import ByClass, Modes
from autogan.runs.checksums import changed_files
from autogan.runs.config import Config, read_config
from autogan.runs.contents import (
    Architectures,
    Damage,
    Data,
    Derived,
    Read,
    Results,
    Trials,
    read_content,
)
from autogan.runs.events import ChildScored, Event, Finished, Validated
from autogan.runs.file_names import (
    ARCHITECTURES,
    CHECKSUMS,
    DATA,
    DERIVED,
    RESULTS,
    TIMINGS,
    TRIALS,
)
from autogan.runs.locking import is_locked
from autogan.runs.log import Log, read_log
from autogan.runs.outcomes import Child
from autogan.runs.positions import Positions, read_positions
from autogan.runs.task import Command, Task
from autogan.settings.sections import Settings

E = TypeVar("E", bound=Event)
MOST_MISSING_PICTURED = 12
MOST_CLASSES_PICTURED = 40


def missing_pictures(modes: Modes) -> dict[int, str]:
    """The pictures of the missing modes that are most frequent among real images, by place in `modes`.

    Relative to the run's folder.
    """
    shown = modes.missing[:MOST_MISSING_PICTURED]
    return {place: f"pictures/missing/{place}.png" for place in shown}


def class_pictures(by_class: ByClass) -> dict[int, str]:
    """The pictures of the images of each class, by its label, relative to the run's folder."""
    shown = range(min(len(by_class.classes), MOST_CLASSES_PICTURED))
    return {label: f"pictures/classes/{label}.png" for label in shown}


@dataclass(frozen=True)
class RunRecord:
    """One run, as its folder tells of it. What is not there, or cannot be used, is None or empty.

    written_results: the content of results.json, whatever its schema; `results` is what to use.
    damages: the JSON files that are there and do not hold what a run writes, by name.
    problems: sentences on what is there but could not be used, for who looks at the run.
    """

    folder: Path
    config: Config
    data: Data | None
    architectures: Architectures | None
    derived: Derived | None
    trials: Trials | None
    timings: dict[str, float] | None
    written_results: Results | None
    log: Log
    damages: dict[str, Damage]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call the run: the name of its folder."""
        return self.folder.resolve().name

    @property
    def settings(self) -> Settings | None:
        """The settings; None where they are not all known to this version."""
        return self.config.settings

    @property
    def settings_tree(self) -> dict[str, Any]:
        """The settings as they stand in config.yaml, perhaps with names that are unknown here."""
        return self.config.settings_tree

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, commit and machine that the run began on, by name."""
        return self.config.environment

    @property
    def task(self) -> Task | None:
        """What the run was made to do; None where it does not say, or not so that we know it."""
        return self.config.task

    @property
    def command(self) -> Command:
        """The command that the run is of: "run", "search" or "train"."""
        if self.task:
            return self.task.command
        return "run" if self.of(ChildScored) or not self.of(Validated) else "train"

    @property
    def start_words(self) -> str:
        """What its trainings began with, as the end of a sentence about a training."""
        if self.task and self.task.start:
            return f"on from where that in {self.task.start} ended"
        return "from the search's weights" if self.inherits else "from scratch"

    @property
    def inherits(self) -> bool:
        """Whether its trainings begin with the weights that its search leaves."""
        searched = self.command != "train" and not (self.task and self.task.by_trials)
        return searched and self.setting("train.start") == "shared"

    @property
    def results(self) -> Results | None:
        """The results, where they are of the schema that this version reads."""
        results = self.written_results
        return results if results and results.schema == RESULTS_SCHEMA else None

    @property
    def ended(self) -> bool:
        """Whether the run came to its end, even where its results cannot be read here."""
        if self.trials is not None:
            return self.trials.ended >= self.trials.count
        return self.results is not None or bool(self.of(Finished))

    @property
    def children(self) -> list[Child]:
        """Every scored child of the search that the run began with, in the order of scoring."""
        return self._children_by_search[0]

    @property
    def pairs(self) -> list[Child]:
        """Every scored child of a search for discriminators after it."""
        return self._children_by_search[1]

    @cached_property
    def _children_by_search(self) -> tuple[list[Child], list[Child]]:
        """A search after the first one is of another space: of pairs."""
        children = [event.child for event in self.of(ChildScored)]
        first = [c for c in children if c.architecture.space == children[0].architecture.space]
        others = [c for c in children if c.architecture.space != children[0].architecture.space]
        return first, others

    @cached_property
    def positions(self) -> Positions:
        """Where the newest checkpoints stand; `UserError` where one is damaged."""
        return read_positions(self.folder)

    @property
    def locked(self) -> bool:
        """Whether a living process is at work on the run now."""
        return is_locked(self.folder)

    @property
    def has_checksums(self) -> bool:
        """Whether the run came to an end at which checksums were written."""
        return (self.folder / CHECKSUMS).is_file()

    def changed_files(self) -> list[str]:
        """A sentence for every file that is not as checksums.json says; `ValueError` where that is
        damaged. Reads every file of the run."""
        return changed_files(self.folder) if self.has_checksums else []

    def setting(self, name: str) -> Any:
        """One setting by its dotted name; None where the folder does not give it."""
        value: Any = self.settings_tree
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    @cached_property
    def _by_kind(self) -> dict[type[Event], list[Event]]:
        grouped: dict[type[Event], list[Event]] = {}
        for event in self.log.events:
            grouped.setdefault(type(event), []).append(event)
        return grouped

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in the order of the log."""
        return [event for event in self._by_kind.get(kind, []) if isinstance(event, kind)]


def read_record(folder: Path) -> RunRecord:
    """Reads a run's folder; raises `UserError` where it holds no run or nothing can be read of it."""
    return record_of(read_config(folder))


def record_of(config: Config) -> RunRecord:
    """Reads all but the description of a run; never raises for what lies in its folder."""
    folder = config.folder
    read: dict[str, Read[Any]] = {
        DATA: read_content(folder, DATA, Data),
        ARCHITECTURES: read_content(folder, ARCHITECTURES, Architectures),
        DERIVED: read_content(folder, DERIVED, Derived),
        TRIALS: read_content(folder, TRIALS, Trials),
        RESULTS: read_content(folder, RESULTS, Results),
        TIMINGS: read_content(folder, TIMINGS, dict[str, float]),
    }
    log = read_log(folder)
    return RunRecord(
        folder=folder,
        config=config,
        data=read[DATA].value,
        architectures=read[ARCHITECTURES].value,
        derived=read[DERIVED].value,
        trials=read[TRIALS].value,
        timings=read[TIMINGS].value,
        written_results=read[RESULTS].value,
        log=log,
        damages={name: found.damage for name, found in read.items() if found.damage},
        problems=tuple(_problems(config, log, read)),
    )


def _problems(config: Config, log: Log, read: dict[str, Read[Any]]) -> Iterator[str]:
    unknown = config.unknown_settings()
    if unknown:
        yield f"This version of autogan does not know some settings of the run: {', '.join(unknown)}."
    elif damage := config.damage():
        yield str(damage)
    if log.left_out:
        yield (
            f"{log.left_out} of the {len(log.events) + log.left_out} lines of log.jsonl are of a kind "
            "that this version does not know, or damaged; they are left out."
        )
    for name, found in read.items():
        if name == RESULTS and found.schema not in (None, RESULTS_SCHEMA):
            yield (
                f"results.json is of schema {found.schema}; this version of autogan reads schema "
                f"{RESULTS_SCHEMA}. The scores are left out: make the report with the version that "
                "made the run, or a newer one."
            )
        elif found.damage is None:
            continue
        elif name == ARCHITECTURES and found.damage.at[-1:] == ("architecture",):
            yield (
                "architectures.json has options that this version of autogan does not know; the tree "
                "of beams is left out."
            )
        else:
            yield found.damage.shown
