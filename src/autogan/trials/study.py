"""One search by trials in its database: what it is of, and what came of its trials."""

from dataclasses import dataclass
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autogan.basics.errors import UserError
from autogan.basics.trees import leaves
from autogan.runs.contents import Attempt
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.strategies.base import State
from autogan.trials.records import (
    DEATHS,
    RECORD,
    Reader,
    TrialRecord,
    goals_of,
    is_surplus,
    number_of,
)
from autogan.trials.storage import known_experiments

SCHEMA = 1
"""Of what this package keeps in a study's and in its trials' attributes."""
IDENTITY = "autogan"
"""The name of the study's attribute that says what it is of, as JSON."""
FREE = ("count",)
"""Settings of trials that may change while a study grows."""
COUNTING = (
    "data.image_size",
    "compute.precision",
    "search.strategy",
    "search.limits.",
    "search.controller.",
    "search.evolution.",
    "search.nsga2.",
    "evaluate.inception_splits",
)
"""How the names begin of settings of other sections that change a trial's values, or what is proposed."""


@dataclass(frozen=True)
class Identity:
    """What the scores of a study depend on; studies compare only where all of it is the same.

    data, judge: digest and name. settings: as plain values, those of the trials.
    """

    data: str
    judge: str
    settings: dict[str, Any]

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"schema": SCHEMA, "data": self.data, "judge": self.judge, "settings": self.settings}

    @classmethod
    def of(cls, data_digest: str, judge_name: str, settings: Settings) -> "Identity":
        """Of a run's data, judge and settings."""
        return cls(data_digest, judge_name, settings.model_dump(mode="json"))

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What a study with the plain identity `other` has otherwise, one line each."""
        found = [
            f"{name}: {other[name]} there, {own} here"
            for name, own in (("data", self.data), ("judge", self.judge))
            if other[name] != own
        ]
        return [*found, *differing_settings(other["settings"], self.settings)]


def differing_settings(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """What changes the outcome of trials and is not the same in two trees of settings, one line each."""
    theirs = leaves(load_settings(tree=there).model_dump(mode="json"))
    return [
        f"{name}: {theirs.get(name)} there, {own} here"
        for name, own in leaves(here).items()
        if theirs.get(name) != own and _counts(name)
    ]


def _counts(name: str) -> bool:
    """Whether a setting changes what trials find. Where images and devices are does not."""
    section, _, rest = name.partition(".")
    if section == "trials":
        return rest not in FREE
    return (
        section in ("seed", "network", "train")
        or (section == "judge" and rest != "inception_weights")  # the judge's name says which
        or name.startswith(COUNTING)
    )


def create_or_open(
    storage: BaseStorage, name: str, identity: Identity, settings: Settings
) -> Study:
    """The study of that name, made where there is none.

    Raises `UserError` where one of that name is of other data, another judge or other settings.
    """
    directions = [
        StudyDirection.MAXIMIZE if goal.direction == "maximise" else StudyDirection.MINIMIZE
        for goal in goals_of(settings.trials)
    ]
    with known_experiments():
        if name not in optuna.get_all_study_names(storage):
            study = optuna.create_study(
                storage=storage, study_name=name, directions=directions, load_if_exists=True
            )
            if IDENTITY not in study.user_attrs:
                study.set_user_attr(IDENTITY, identity.to_plain())
        study = optuna.load_study(study_name=name, storage=storage)
    differences = identity.differences(_identity(study))
    if differences:
        raise UserError(
            f"The study {name!r} in this storage is another search:\n  "
            + "\n  ".join(differences)
            + "\nGive another --study, or another --storage."
        )
    return study


def open_study(storage: BaseStorage, name: str, sampler: BaseSampler | None = None) -> Study:
    """A study that is there. Raises `UserError` where there is none, or one of something else."""
    with known_experiments():
        names = optuna.get_all_study_names(storage)
        if name not in names:
            others = f" It has: {', '.join(names)}." if names else " It has none yet."
            raise UserError(f"The storage has no study {name!r}.{others}")
        study = optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    _identity(study)
    return study


def settings_of(study: Study) -> Settings:
    """Those that the search was begun with."""
    return load_settings(tree=_identity(study)["settings"])


def data_of(study: Study) -> str:
    """The digest of the images."""
    digest: str = _identity(study)["data"]
    return digest


def judge_of(study: Study) -> str:
    """The judge's name."""
    name: str = _identity(study)["judge"]
    return name


def _identity(study: Study) -> dict[str, Any]:
    identity: dict[str, Any] | None = study.user_attrs.get(IDENTITY)
    if identity is None:
        raise UserError(f"The study {study.study_name!r} is not one of autogan's.")
    if identity["schema"] > SCHEMA:
        raise UserError(
            f"The study {study.study_name!r} was made by a newer version of autogan (schema "
            f"{identity['schema']}; this one knows {SCHEMA}). Update autogan."
        )
    return identity


class Ledger:
    """What a study's trials have come to, read again and again."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._reader = Reader()

    def trials(self) -> list[FrozenTrial]:
        """All of them as they are now, to be read only; a question to the database."""
        return self._study.get_trials(deepcopy=False)

    def records(self, trials: list[FrozenTrial] | None = None) -> list[TrialRecord]:
        """Of all that have begun, without the surplus; of `trials` where they were read just now."""
        return self._reader.records_of(self.trials() if trials is None else trials)


def attempts_of(trials: list[FrozenTrial]) -> dict[int, list[Attempt]]:
    """By the number of a trial that counts the workers that had it, in their order; of those that said so."""
    died = {number for trial in trials for number in trial.system_attrs.get(DEATHS, ())}
    latest = {number_of(trial): trial.number for trial in trials}
    attempts: dict[int, list[Attempt]] = {}
    for trial in trials:
        plain = trial.user_attrs.get(RECORD)
        if plain is None or trial.datetime_start is None or is_surplus(trial):
            continue
        outcome = plain["state"]
        if trial.state is TrialState.FAIL and outcome == State.RUNNING:
            is_last = latest[number_of(trial)] == trial.number
            outcome = "died" if is_last or trial.number in died else "given back"
        ended = trial.datetime_complete
        attempt = Attempt(
            worker=plain["worker"],
            began=trial.datetime_start.timestamp(),
            ended=None if ended is None else ended.timestamp(),
            outcome=outcome,
        )
        attempts.setdefault(plain["number"], []).append(attempt)
    return attempts


def ordinal_of(trial_number: int, trials: list[FrozenTrial]) -> int:
    """How many trials that count were begun before this one, attempts at the same counted once."""
    return sum(t.number < trial_number and _is_first(t) for t in trials)


def has(state: TrialState, trials: list[FrozenTrial]) -> bool:
    """Whether a trial is in a state.

    One that waits has lost its worker. One that runs is with a worker, or is thought to be.
    """
    return any(trial.state is state for trial in trials)


def begun(trials: list[FrozenTrial]) -> int:
    """How many trials that count were asked for, attempts at the same counted once."""
    return sum(map(_is_first, trials))


def _is_first(trial: FrozenTrial) -> bool:
    """Whether it is the first attempt at a trial that counts."""
    return number_of(trial) == trial.number and not is_surplus(trial)
