"""What the JSON files of a run's folder hold, as types, and how such a file is read. Without torch.

The types name what this version reads; fields beyond these are let through (docs/run-folder.md lists
them all). What may be missing has a default, because an older version did not write it.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from autogan.basics.errors import UserError
from autogan.basics.version import RESULTS_SCHEMA
from autogan.files.texts import MOST_BYTES_OF_RESULTS, read_bytes
from autogan.images.classes import Classes
from autogan.judges.values import ByClass, Modes, Scores
from autogan.runs.file_names import RESULTS
from autogan.runs.outcomes import Candidate, Child, FailedCandidate, Validation

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class NamedData:
    """The data of an evaluation."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Data(NamedData):
    """data.json. judge: its name; not in results.json, where it has a place of its own.

    precision: in which the networks train, where the run says it. classes: that the networks are told;
    None where they are told none. labelled_images: of the training, where not all are; None else, or where
    an older version did not write it."""

    digest: str
    training_images: int
    held_out_images: int
    judge: str | None = None
    precision: Literal["float32", "bfloat16"] | None = None
    classes: Classes | None = None
    labelled_images: int | None = None

    def same_images(self, other: "Data") -> bool:
        """Whether both are of the same images."""
        return (self.name, self.digest, self.training_images, self.held_out_images) == (
            other.name,
            other.digest,
            other.training_images,
            other.held_out_images,
        )


@dataclass(frozen=True, kw_only=True)
class Searched:
    """What a search found: beams by stage, the final ranking, how many were scored or could not be."""

    stages: list[list[Child]]
    ranking: list[Child]
    scored: int
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class Architectures(Searched):
    """architectures.json. pairs: of the search for discriminators after this one; None: there was none."""

    pairs: Searched | None = None

    @property
    def last(self) -> Searched:
        """Of the search that the derivation goes on with."""
        return self.pairs or self


@dataclass(frozen=True, kw_only=True)
class Derived:
    """derive.json."""

    ranking: list[Child]
    candidates: list[Candidate]
    failed: list[FailedCandidate]

    @property
    def ended(self) -> int:
        """How many trainings have ended, well or not."""
        return len(self.candidates) + len(self.failed)


@dataclass(frozen=True, kw_only=True)
class RecordedDiscriminator:
    """The one that the run's generator was trained against.

    architecture: its text; how: "fixed", or how it was searched: "after", "together".
    """

    architecture: str
    how: str
    parameters: int
    multiply_accumulates: int


@dataclass(frozen=True, kw_only=True)
class NamedJudge:
    """The judge of an evaluation."""

    name: str


@dataclass(frozen=True, kw_only=True)
class RecordedJudge(NamedJudge):
    """The judge in results.json. task ("classes", "rotation"), held_out_accuracy (0 to 1): of a
    domain judge only."""

    kind: str
    class_names: list[str]
    task: str | None = None
    held_out_accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class NamedProtocol:
    """The protocol of an evaluation."""

    name: str
    statistics: str = "computed"


@dataclass(frozen=True, kw_only=True)
class RecordedProtocol(NamedProtocol):
    """The protocol in results.json. real: "training" or "held-out"."""

    images: int
    real_images: int
    inception_splits: int | None = None
    real: str | None = None


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """How near samples lie to training images, in the judge's feature space (Euclidean distances).

    images: samples measured; searched: training images among which the nearest was looked for.
    generated_median, held_out_median: of the distance to the nearest, for samples and for as many
    held-out real images. Samples that lie much nearer than real images do are copies.
    """

    images: int
    searched: int
    generated_median: float
    held_out_median: float


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What results.json and the output of `evaluate --json` share."""

    image_size: int
    parameters: int
    data: NamedData
    judge: NamedJudge
    protocol: NamedProtocol
    scores: Scores


@dataclass(frozen=True, kw_only=True)
class Results(Evaluated):
    """results.json. architecture: its text form, perhaps of options that this version does not know.

    classes: names and shares of those that images can be asked of; None without.

    modes, by_class, as_few, discriminator: None also where the run is of a version that did not look for
    them.
    """

    schema: int
    architecture: str
    vector: list[int]
    multiply_accumulates: int
    data: Data
    judge: RecordedJudge
    protocol: RecordedProtocol
    floor: Scores | None
    untrained: Scores
    chosen_by: dict[str, str]
    candidates: list[Candidate]
    validation: Validation
    seconds: dict[str, float]
    neighbours: Neighbours
    files: dict[str, str]
    modes: Modes | None = None
    by_class: ByClass | None = None
    as_few: Scores | None = None
    classes: dict[str, list[str] | list[float]] | None = None
    discriminator: RecordedDiscriminator | None = None
    peak_memory_mib: int | float | None = None
    recompute: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The time that a worker had a trial. worker: its machine and process.

    began, ended: Unix times. ended: None while it is at work; of a worker that died when that was noticed.
    """

    worker: str
    began: float
    ended: float | None
    outcome: Literal["complete", "stopped", "diverged", "failed", "running", "died", "given back"]


@dataclass(frozen=True, kw_only=True)
class SurrogateRow:
    """How well a surrogate orders trials that it has not seen.

    steps: of the rung whose first goal it predicts, from so many architectures. tau: Kendall's; deviation: of
    that of unrelated orders. trusted: whether it chooses now; chosen: trials that it chose so far.
    """

    steps: int
    architectures: int
    tau: float
    deviation: float
    trusted: bool
    chosen: int


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """A trial in trials.json. number: from 0, which also names its folder. state: as it stands now.

    steps, seconds: of its training, up to the highest rung that it reached. values: there, one for each
    goal; None where it reached none. rungs: steps and values of each. front: whether no other is as good
    in every goal and better in one. reason: why it was not trained to its end. parent: the trial whose
    changed copy it is. foreseen: whether the surrogate chose it. rung_seconds: of training, up to each rung.
    """

    number: int
    architecture: str
    seed: int
    state: Literal["complete", "stopped", "diverged", "failed", "running"]
    steps: int
    seconds: float
    values: list[float] | None
    rungs: list[tuple[int, list[float]]]
    front: bool
    worker: str = ""
    finished: float | None = None
    reason: str = ""
    parent: int | None = None
    foreseen: bool = False
    rung_seconds: list[float] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Trials:
    """trials.json, of a search by trials. count: trials that are wanted; best: the number of the best.

    reference: the worst value of each goal among all trials; hypervolume: of what
    the front dominates from there; None with one goal. storage: the database, without its password.
    """

    storage: str
    study: str
    strategy: str
    goals: list[str]
    count: int
    best: int | None
    reference: list[float] | None
    hypervolume: float | None
    trials: list[TrialRow]
    surrogate: SurrogateRow | None = None

    def row(self, number: int) -> TrialRow | None:
        """The trial of that number; None where the file names one that it does not hold."""
        return next((trial for trial in self.trials if trial.number == number), None)

    @property
    def ended(self) -> int:
        """How many have ended, in whatever way."""
        return sum(trial.state != "running" for trial in self.trials)


@dataclass(frozen=True)
class Damage:
    """A file that is there and does not hold what a run writes.

    reason: what is wrong with it. sentence: the same for `autogan verify`; shown: for the page.
    """

    file: str
    reason: str
    sentence: str
    shown: str
    at: tuple[int | str, ...] = ()
    """Where in the content, by names and numbers."""

    def refusal(self, folder: Path) -> UserError:
        """For who cannot go on without the file."""
        return UserError(
            f"{folder / self.file} is damaged ({self.reason}). Put it back from a copy, or remove it "
            "and go on without."
        )


@dataclass(frozen=True)
class Read(Generic[T]):
    """value: None where the file is not there or is damaged. schema: the number in it, if it has one."""

    value: T | None = None
    damage: Damage | None = None
    schema: Any = field(default=None)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read_content(folder: Path, name: str, kind: Any) -> Read[Any]:
    """The content of a JSON file of a run's folder, as a value of `kind`; never raises."""
    file = folder / name
    if not file.is_file():
        if file.is_symlink() or file.exists():
            return Read(damage=_unreadable(name, "it is not a regular file"))
        return Read()
    try:
        content = read_bytes(file, MOST_BYTES_OF_RESULTS)
    except UserError as error:
        return Read(damage=_unreadable(name, str(error)))
    try:
        return Read(_adapter(kind).validate_json(content), schema=_schema(content))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}"
        sentence = f"{name} is not what a run writes: {reason}"
        shown = _shown(name, content, reason)
        return Read(
            damage=Damage(name, reason, sentence, shown, first["loc"]), schema=_schema(content)
        )


def _unreadable(name: str, reason: str) -> Damage:
    reason = " ".join(reason.split())
    return Damage(
        name, reason, f"{name} cannot be read: {reason}", f"{name} cannot be read: {reason}."
    )


def _plain(content: bytes) -> Any:
    return json.loads(content.decode("utf-8"))


def _schema(content: bytes) -> Any:
    try:
        plain = _plain(content)
    except (ValueError, RecursionError):
        return None
    return plain.get("schema") if isinstance(plain, dict) else None


def _shown(name: str, content: bytes, reason: str) -> str:
    try:
        plain = _plain(content)
    except (ValueError, RecursionError) as error:
        return f"{name} cannot be read: {error}."
    if not isinstance(plain, dict):
        return f"{name} does not hold what a run writes there."
    return f"{name} does not hold what a run writes there: {reason}."


def read_json(path: Path) -> Any:
    """The plain content of a JSON file, or None where there is no such file.

    Raises `UserError` where it is damaged.
    """
    if not path.is_file():
        return None
    content = read_bytes(path, MOST_BYTES_OF_RESULTS)
    try:
        return _plain(content)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({error}). Put it back from a copy, or remove it and go on without."
        ) from None


def read_results(folder: Path) -> dict[str, Any]:
    """The plain content of results.json; `UserError` where it is damaged or of another version."""
    results = read_json(folder / RESULTS)
    schema = results.get("schema") if isinstance(results, dict) else None
    if schema != RESULTS_SCHEMA:
        raise UserError(
            f"results.json in {folder} is of schema {schema}, and this version of autogan reads schema "
            f"{RESULTS_SCHEMA}. Use the version that made the run."
        )
    return results


def read_evaluated(path: Path) -> Evaluated:
    """The results of a run's folder, or a file of `evaluate --json`; `UserError` where it is neither."""
    file = path / RESULTS if path.is_dir() else path
    if not file.exists():
        raise UserError(f"There are no results in {path}: {file} is missing.")
    content = read_bytes(file, MOST_BYTES_OF_RESULTS)
    try:
        results: Any = _plain(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON: {error}.") from None
    needed = {"judge", "protocol", "data", "scores", "image_size", "parameters"}
    missing = sorted(needed - set(results)) if isinstance(results, dict) else sorted(needed)
    if missing:
        raise UserError(
            f"{file} does not say {', '.join(missing)}, so its place is unknown. Score the generator "
            "anew: autogan evaluate FILE --json."
        )
    if results.get("schema", RESULTS_SCHEMA) != RESULTS_SCHEMA:
        raise UserError(
            f"{file} is of schema {results['schema']}, and this version of autogan reads schema "
            f"{RESULTS_SCHEMA}. Use the version that made it."
        )
    try:
        evaluated: Evaluated = _adapter(Evaluated).validate_python(results)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{file} does not hold what autogan evaluate writes: {where}: {first['msg']}."
        ) from None
    return evaluated
