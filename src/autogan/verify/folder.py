"""Each file of a run's folder by itself, then the files against each other.

Reads only the folder (docs/run-folder.md says what must lie in it). Damage anywhere becomes a
sentence; what can still be read is checked all the same.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from autogan.basics.errors import UserError
from autogan.basics.version import RESULTS_SCHEMA
from autogan.files.storage import load_tree
from autogan.method.pipeline import describe_generator
from autogan.method.search import Child
from autogan.runs.checksums import CHECKSUMS, changed_files
from autogan.runs.folder import Task, read_settings, read_task
from autogan.settings.resume_rules import MAY_CHANGE
from autogan.settings.sections import Settings
from autogan.spaces.generator_file import SavedGenerator, load_generator
from autogan.verify.contents import LINES, Data, Derived, Found, Results
from autogan.verify.history import (
    candidate_problems,
    search_problems,
    state_problems,
    training_problems,
)

T = TypeVar("T")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_UNREADABLE_FILE = (*_UNREADABLE, SyntaxError, yaml.YAMLError)  # Pillow's word for a bad PNG chunk
_WINNER = "generator.safetensors"
_MAY_DIFFER = (*MAY_CHANGE, "search.reward", "derive.metric")  # the two are decided where "auto"


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
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder} holds no run: there is no config.yaml in it.")
    return _Verifier(folder).verified()


class _Verifier:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found = Verification()

    def verified(self) -> Verification:
        self._check_checksums()
        config = self._read("config.yaml", lambda file: _config(file.parent))
        data = self._json("data.json", Data)
        found = self._json("architectures.json", Found)
        derived = self._json("derive.json", Derived)
        timings = self._json("timings.json", dict[str, float])
        results = self._json("results.json", Results)
        log = list(self._log_lines())
        children = [TypeAdapter(Child).validate_python(x) for x in log if x["event"] == "child"]
        self._check_pictures()
        state = self._latest_search(self._checkpoints())
        generators = self._generators(derived)
        winner = generators.get(_WINNER)
        if config is not None:
            settings, task = config
            for name, saved in generators.items():
                self._say(_generator_problems(name, saved, settings, data))
            if found is not None:
                self._say(search_problems(settings, found, derived, children))
            if state is not None:
                self._say(state_problems(settings, state, found, children))
            if derived is not None:
                self._say(candidate_problems(settings, derived, generators, winner))
            if winner is not None and task is not None:
                self._say(training_problems(task, winner))
        if results is not None:
            self._say(_results_problems(results, winner, data, derived, timings, log))
            for name in results.files.values():
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

    def _read(self, name: str, reader: Callable[[Path], T]) -> T | None:
        """What `reader` makes of a file, where it is there; what it raises becomes a problem."""
        file = self.folder / name
        if not file.is_file():
            return None
        try:
            content = reader(file)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            self.found.problems.append(f"{name} is not what a run writes: {where}: {first['msg']}")
        except _UNREADABLE_FILE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.found.problems.append(f"{name} cannot be read: {reason}")
        else:
            self.found.checked.append(name)
            return content
        return None

    def _json(self, name: str, kind: type[T]) -> T | None:
        return self._read(name, lambda file: TypeAdapter(kind).validate_json(file.read_bytes()))

    def _check_checksums(self) -> None:
        if (self.folder / CHECKSUMS).is_file():
            changed = self._read(CHECKSUMS, lambda file: changed_files(file.parent))
            self._say(changed or [])
        elif (self.folder / "results.json").is_file():
            self.found.problems.append(
                f"{CHECKSUMS} is missing: the run was stopped while it wrote its last files, or is of "
                "an older version. Going on with it (--resume) writes it"
            )
        else:
            self.found.notes.append("The run has not ended, so there are no checksums yet.")

    def _log_lines(self) -> Iterator[dict[str, Any]]:
        """The lines that are sound; the last may be half-written where a run is at work or died."""
        file = self.folder / "log.jsonl"
        lines = file.read_bytes().split(b"\n") if file.is_file() else [b""]
        if lines.pop():
            self.found.notes.append("The last line of log.jsonl is cut off; resuming drops it.")
        for number, line in enumerate(lines, start=1):
            try:
                event = json.loads(line)
                if not isinstance(event["event"], str) or not event["seconds"] >= 0:
                    raise ValueError("it needs an event and its seconds")
                if event["event"] in LINES:
                    TypeAdapter(LINES[event["event"]]).validate_python(event)
            except _UNREADABLE as error:
                reason = " ".join(str(error).split())
                self.found.problems.append(f"log.jsonl: line {number} is damaged: {reason}")
                continue
            yield event
        self.found.checked.append("log.jsonl")

    def _check_pictures(self) -> None:
        def load(file: Path) -> bool:
            with Image.open(file, formats=("PNG",)) as image:
                image.load()
            return True

        for file in sorted(self.folder.rglob("*.png")):
            self._read(file.relative_to(self.folder).as_posix(), load)

    def _checkpoints(self) -> dict[str, Any]:
        """All states by file name; every one that is kept must be whole."""
        names = [file.name for file in (self.folder / "checkpoints").glob("*.safetensors")]
        states = {name: self._read(f"checkpoints/{name}", load_tree) for name in sorted(names)}
        return {name: state for name, state in states.items() if state is not None}

    @staticmethod
    def _latest_search(states: dict[str, Any]) -> Any:
        names = [name for name in states if name.startswith("search-")]
        return states[max(names)] if names else None

    def _generators(self, derived: Derived | None) -> dict[str, SavedGenerator]:
        """Every generator that can be loaded: its weights then fit what its file states."""
        named = [candidate.file for candidate in derived.candidates] if derived else []
        generators = {}
        for name in dict.fromkeys([*named, _WINNER]):
            saved = self._read(name, load_generator)
            if saved is not None:
                generators[name] = saved
            elif name in named and not (self.folder / name).is_file():
                self.found.problems.append(f"{name} is missing: derive.json names it")
        return generators


def _config(folder: Path) -> tuple[Settings, Task | None]:
    return read_settings(folder), read_task(folder)


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
    for what, (stated, wanted) in expected.items():
        if stated != wanted:
            yield f"{name}: the {what} is {stated}, that of the run is {wanted}"
    now = settings.model_dump(mode="json")
    differing = [x for x in _differing(origin["settings"], now) if x not in _MAY_DIFFER]
    if differing:
        yield f"{name} was made under other {', '.join(differing)} than config.yaml holds"
    for weight, tensor in generator.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            yield f"{name}: {weight} holds NaN or infinite values"


def _differing(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Dotted names of the settings that are not the same in two trees."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from _differing(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif before != now:
        yield name


def _results_problems(
    results: Results,
    winner: SavedGenerator | None,
    data: Data | None,
    derived: Derived | None,
    timings: dict[str, float] | None,
    log: list[dict[str, Any]],
) -> Iterator[str]:
    """results.json against every file that says the same."""
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
    for name in differing:
        yield f"results.json: {name} is not that of generator.safetensors"
    if data is not None and results.data != data:
        yield "results.json: data is not what data.json says"
    if timings is not None and results.seconds != timings:
        yield "results.json: seconds is not what timings.json says"
    trained = derived.candidates if derived else []
    if sorted(map(repr, results.candidates)) != sorted(map(repr, trained)):
        yield "results.json: candidates are not those of derive.json"
    if results.candidates and results.candidates[0].architecture != results.architecture:
        yield "results.json: the first candidate is not the architecture of the results"
    scored = [scores for scores in (results.scores, results.floor, results.untrained) if scores]
    if any(scores.judge != judge for scores in scored):
        yield "results.json: some scores are by another judge than the one it names"
    if results.scores.images != results.protocol.images:
        yield "results.json: the scores are of another number of images than the protocol's"
    finished = [line for line in log if line["event"] == "finished"]
    if not finished or finished[-1]["scores"] != results.scores.to_dict():
        yield "results.json: the scores are not those of the finished line of log.jsonl"
