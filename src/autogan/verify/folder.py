"""Each file of a run's folder by itself, then the files against each other.

Reads only the folder (docs/run-folder.md says what must lie in it). Damage anywhere becomes a
sentence; what can still be read is checked all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from PIL import Image

from autogan.basics.errors import UserError
from autogan.basics.version import RESULTS_SCHEMA
from autogan.files.storage import load_tree
from autogan.method.results import describe_generator
from autogan.runs.config import Config, read_config
from autogan.runs.contents import Data, Derived, Results
from autogan.runs.events import Finished
from autogan.runs.file_names import (
    ARCHITECTURES,
    CHECKPOINTS,
    CHECKSUMS,
    CONFIG,
    DATA,
    DERIVED,
    GENERATOR,
    LOG,
    RESULTS,
    TIMINGS,
    TRIALS,
)
from autogan.runs.plan import Plan
from autogan.runs.record import RunRecord, class_pictures, missing_pictures, record_of
from autogan.settings.decided import decide_start
from autogan.settings.loading import settings_from_tree
from autogan.settings.resume_rules import MAY_CHANGE
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.generator_file import SavedGenerator, load_generator
from autogan.trials.proxies import proxied, trial_settings
from autogan.verify.history import (
    candidate_problems,
    search_problems,
    state_problems,
    training_problems,
)
from autogan.verify.trials import best_trial_problems, trials_problems

T = TypeVar("T")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_UNREADABLE_FILE = (*_UNREADABLE, SyntaxError, yaml.YAMLError)  # Pillow's word for a bad PNG chunk
_MAY_DIFFER = (*MAY_CHANGE, "data.source", "judge.inception_weights", "trials.count")
"""Beside what may change: where images and weights lie, which digest and name tell apart, and how far a
study has grown. Workers of trials are told their own."""


@dataclass
class Verification:
    """What was found.

    checked: what was looked at, in words. problems: a sentence for each thing that is not sound.
    notes: what could not be looked at, and why.
    """

    checked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the run."""
        return not self.problems


def verify(folder: Path) -> Verification:
    """Checks every file of a run's folder; `UserError` where it holds no run."""
    try:
        config = read_config(folder)
    except UserError as error:
        if not (folder / CONFIG).is_file():
            raise
        return _Verifier(record_of(Config(folder, {})), error).verified()
    return _Verifier(record_of(config), config.damage()).verified()


class _Verifier:
    """One run: what its record says, and beyond it every file read whole."""

    def __init__(self, record: RunRecord, config_damage: UserError | None) -> None:
        self.record = record
        self.config_damage = config_damage
        self.folder = record.folder
        self.found = Verification()

    def verified(self) -> Verification:
        self._check_checksums()
        self._check_record()
        data, found, derived = self.record.data, self.record.architectures, self.record.derived
        results, children = self.record.written_results, self.record.children
        self._check_pictures()
        states = self._checkpoints()
        state = self._latest_search(states)
        ended = self.record.has_checksums or bool(self.record.of(Finished))
        generators = self._generators(derived)
        winner = generators.get(GENERATOR)
        settings, task = self.record.settings, self.record.task
        if settings is not None and self.config_damage is None:
            searches = "search" in Plan.of(settings, task).parts
            made_under = decide_start(settings, searches=searches)
            classes = data.classes if data else None
            if (trials := self.record.trials) is not None:
                self._say(trials_problems(self.folder, settings, classes, trials))
                best = next((row for row in trials.trials if row.number == trials.best), None)
                if best is not None:
                    trained = Architecture.parse(best.architecture)
                    made_under = trial_settings(proxied(made_under), trained, best.seed)
                if best is not None and winner is not None:
                    self._say(best_trial_problems(winner, best, trials.goals))
            for name, saved in generators.items():
                self._say(_generator_problems(name, saved, made_under, data))
            if found is not None:
                last = derived if found.pairs is None else None
                told = search_problems(settings, found, last, children)
                if found.pairs is not None:
                    pairs = search_problems(settings, found.pairs, derived, self.record.pairs)
                    told = chain(told, pairs)
                final = ended or any(name.startswith("derive-") for name in states)
                if not self._say_of(ARCHITECTURES, told, final=final):
                    found = None
            if state is not None:
                self._say(state_problems(settings, state, found, children, classes))
            if derived is not None:
                self._say(candidate_problems(Plan.of(settings, task), derived, generators, winner))
            if winner is not None and task is not None:
                self._say(training_problems(task, winner))
        if results is not None:
            told = _results_problems(results, winner, self.record)
            self._say_of(RESULTS, told, final=ended)
            missing = missing_pictures(results.modes).values() if results.modes else ()
            by_class = results.by_class
            of_classes = class_pictures(by_class).values() if by_class else ()
            for name in (*results.files.values(), *missing, *of_classes):
                if not (self.folder / name).is_file():
                    self.found.problems.append(f"{name} is missing: results.json names it")
        return self.found

    def _say(self, problems: Iterable[str]) -> None:
        """Takes up problems; what damaged content makes a check stumble over is one too."""
        try:
            self.found.problems.extend(problems)
        except _UNREADABLE as error:
            self.found.problems.append(
                f"The files contradict each other: {type(error).__name__}: {error}"
            )

    def _say_of(self, name: str, problems: Iterable[str], *, final: bool) -> bool:
        """Whether a file agrees with the others. Going on writes it anew unless it is `final`: until then
        it may be of before the run went back to an older checkpoint, which is no problem."""
        before = len(self.found.problems)
        self._say(problems)
        agrees = len(self.found.problems) == before
        if not agrees and not final:
            del self.found.problems[before:]
            self.found.notes.append(
                f"{name} is not of where the run stands: it was stopped before the next checkpoint, or "
                "went back to an older one since. Going on with it (--resume) writes it anew."
            )
        return agrees or final

    def _read(self, name: str, reader: Callable[[Path], T]) -> T | None:
        """What `reader` makes of a file, where it is there; what it raises becomes a problem."""
        file = self.folder / name
        if not file.is_file():
            if file.exists() or file.is_symlink():
                self.found.problems.append(f"{name} cannot be read: it is not a regular file")
            return None
        try:
            content = reader(file)
        except _UNREADABLE_FILE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.found.problems.append(f"{name} cannot be read: {reason}")
        else:
            self.found.checked.append(name)
            return content
        return None

    def _check_record(self) -> None:
        """What the reader of the folder made of its description, its JSON files and its log."""
        if self.config_damage is not None:
            reason = " ".join(str(self.config_damage).split())
            self.found.problems.append(f"{CONFIG} cannot be read: {reason}")
        else:
            self.found.checked.append(CONFIG)
        for name, content in (
            (DATA, self.record.data),
            (ARCHITECTURES, self.record.architectures),
            (DERIVED, self.record.derived),
            (TRIALS, self.record.trials),
            (TIMINGS, self.record.timings),
            (RESULTS, self.record.written_results),
        ):
            if name in self.record.damages:
                self.found.problems.append(self.record.damages[name].sentence)
            elif content is not None:
                self.found.checked.append(name)
        log = self.record.log
        if log.cut_off:
            self.found.notes.append("The last line of log.jsonl is cut off; resuming drops it.")
        self.found.problems.extend(log.damages)
        self.found.checked.append(LOG)

    def _check_checksums(self) -> None:
        if self.record.has_checksums:
            changed = self._read(CHECKSUMS, lambda _: self.record.changed_files())
            self._say(changed or [])
        elif (self.folder / RESULTS).is_file():
            self.found.problems.append(
                f"{CHECKSUMS} is missing: the run was stopped while it wrote its last files, went back "
                "to an older checkpoint, or is of an older version. Going on with it (--resume) writes it"
            )
        else:
            self.found.notes.append("The run has not ended, so there are no checksums yet.")

    def _check_pictures(self) -> None:
        def load(file: Path) -> bool:
            with Image.open(file, formats=("PNG",)) as image:
                image.load()
            return True

        for file in sorted(self.folder.rglob("*.png")):
            self._read(file.relative_to(self.folder).as_posix(), load)

    def _checkpoints(self) -> dict[str, Any]:
        """All states by file name; every one that is kept must be whole, and say where it stands."""
        names = [file.name for file in (self.folder / CHECKPOINTS).glob("*.safetensors")]
        before = len(self.found.problems)
        states = {name: self._read(f"checkpoints/{name}", load_tree) for name in sorted(names)}
        if len(self.found.problems) == before:
            try:
                _ = self.record.positions
            except UserError as error:
                self.found.problems.append(str(error))
        return {name: state for name, state in states.items() if state is not None}

    @staticmethod
    def _latest_search(states: dict[str, Any]) -> Any:
        names = [name for name in states if name.startswith("search-")]
        return states[max(names)] if names else None

    def _generators(self, derived: Derived | None) -> dict[str, SavedGenerator]:
        """Every generator that can be loaded: its weights then fit what its file states."""
        named = [candidate.file for candidate in derived.candidates] if derived else []
        generators = {}
        for name in dict.fromkeys([*named, GENERATOR]):
            saved = self._read(name, load_generator)
            if saved is not None:
                generators[name] = saved
            elif name in named and not (self.folder / name).is_file():
                self.found.problems.append(f"{name} is missing: derive.json names it")
        return generators


def _generator_problems(
    name: str, saved: SavedGenerator, settings: Settings, data: Data | None
) -> Iterator[str]:
    """Widths, cells, settings, data and values of one generator against those of the run."""
    generator, origin = saved.generator, saved.origin
    expected: dict[str, tuple[Any, Any]] = {
        "number of cells": (len(generator.architecture), settings.cells),
        "latent size": (generator.latent_size, settings.network.latent_size),
        "bottom size": (generator.bottom_size, settings.network.bottom_size),
        "number of channels": (generator.channels, settings.train.generator_channels),
    }
    if data is not None:
        expected["digest of its data"] = (origin["data_digest"], data.digest)
        made = generator.classes.to_plain() if generator.classes else None
        told = data.classes.to_plain() if data.classes else None
        expected["list of classes"] = (made, told)
        if data.judge is not None:
            expected["judge"] = (origin["judge"], data.judge)
    for what, (stated, wanted) in expected.items():
        if stated != wanted:
            yield f"{name}: the {what} is {stated}, that of the run is {wanted}"
    # Read as settings: an older version did not write down what it did not know.
    try:
        then = settings_from_tree(origin["settings"]).model_dump(mode="json")
    except UserError as error:
        yield f"{name}: its settings cannot be read: {error}"
        return
    now = settings.model_dump(mode="json")
    differing = [x for x in _differing(then, now) if x not in _MAY_DIFFER]
    if differing:
        yield f"{name} was made under other {', '.join(differing)} than config.yaml holds"
    for weight, tensor in generator.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            yield f"{name}: {weight} holds NaN or infinite values"


def _differing(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Dotted names of the settings that are not the same in two trees, but for what was "auto" in `now`."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from _differing(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif now not in (before, "auto"):
        yield name


def _results_problems(
    results: Results,
    winner: SavedGenerator | None,
    record: RunRecord,
) -> Iterator[str]:
    """results.json against every file that says the same."""
    data, derived, timings = record.data, record.derived, record.timings
    judge = results.judge.name
    differing = []
    if results.schema != RESULTS_SCHEMA:
        yield f"results.json is of schema {results.schema}; this version knows {RESULTS_SCHEMA}"
    if winner is not None:
        described = describe_generator(winner.generator)
        differing += [name for name in described if getattr(results, name) != described[name]]
        if winner.origin["validation"] != asdict(results.validation):
            differing.append("validation")
        if winner.origin["judge"] != judge:
            differing.append("judge")
        told = results.discriminator
        if told is not None and winner.origin.get("discriminator") != told.architecture:
            differing.append("discriminator")
    for name in differing:
        yield f"results.json: {name} is not that of generator.safetensors"
    if data is not None and not results.data.same_images(data):
        yield "results.json: data is not what data.json says"
    if timings is not None and results.seconds != timings:
        yield "results.json: seconds is not what timings.json says"
    trained = derived.candidates if derived else []
    if sorted(map(repr, results.candidates)) != sorted(map(repr, trained)):
        yield "results.json: candidates are not those of derive.json"
    first = results.candidates[0].architecture if results.candidates else None
    if first is not None and str(players(first)[0]) != results.architecture:
        yield "results.json: the first candidate is not the architecture of the results"
    scored = (results.scores, results.floor, results.as_few, results.untrained)
    if any(scores.judge != judge for scores in scored if scores):
        yield "results.json: some scores are by another judge than the one it names"
    if results.scores.images != results.protocol.images:
        yield "results.json: the scores are of another number of images than the protocol's"
    finished = record.of(Finished)
    if not finished or finished[-1].scores != results.scores.to_dict():
        yield "results.json: the scores are not those of the finished line of log.jsonl"
