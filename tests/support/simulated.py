"""Searches by trials whose trainings take no time: the worker's own loop, without images and networks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from optuna.study import Study

from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopping
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import State
from autogan.trials import worker as worker_module
from autogan.trials.halving import goes_on
from autogan.trials.records import RungScore, TrialRecord, goals_of
from autogan.trials.storage import open_storage
from autogan.trials.study import Identity, create_or_open
from autogan.trials.trial import Trial
from autogan.trials.worker import Worker


def settings_with(*overrides: str) -> Settings:
    """Of the demo's space: three cells."""
    return load_settings("demo", overrides=overrides)


def study_at(address: str, settings: Settings, name: str = "autogan") -> Study:
    """A study of no images."""
    return create_or_open(
        open_storage(address), name, Identity.of("0" * 64, "none", settings), settings
    )


def worker_at(address: str, settings: Settings, trials: Path, study: str = "autogan") -> Worker:
    """A worker of its own, with a connection of its own."""
    context: Any = SimpleNamespace(
        settings=settings,
        classes=None,
        compute=SimpleNamespace(device=torch.device("cpu")),
        space=search_space(settings.network.space, settings.cells),
    )
    return Worker(study_at(address, settings, study), context, trials, Stopping(), Progress())


def without_training(
    patch: pytest.MonkeyPatch, value: Callable[[Architecture, int], float]
) -> None:
    """Trainings take no time. value: of an architecture after so many steps, for the first goal."""

    def train(trial: Trial, run: object) -> TrialRecord:
        settings, record = trial.context.settings.trials, trial.record
        goals = goals_of(settings)
        others_values = [
            trial.costs.of(record.architecture, name)
            for name in settings.goals
            if name not in ("frechet_distance", "inception_score")
        ]
        state, reason = State.COMPLETE, ""
        for steps in settings.rung_steps:
            values = (value(record.architecture, steps), *others_values)
            record = replace(record, rungs=(*record.rungs, RungScore(steps, values, steps / 100)))
            trial.tell(record)
            own, *others = (
                tuple(goal.gain(v) for goal, v in zip(goals, each, strict=True))
                for each in (values, *trial.others(steps))
            )
            if steps < settings.rung_steps[-1] and not goes_on(own, others, settings.reduction):
                state, reason = State.STOPPED, f"not among the best at {steps} steps"
                break
        record = replace(record, state=state, reason=reason, ended=1.0)
        trial.tell(record)
        return record

    @contextmanager
    def no_folder(worker: Worker, record: TrialRecord) -> Iterator[Run]:
        yield cast(Run, None)

    patch.setattr(worker_module.Trial, "train", train)
    patch.setattr(Worker, "_folder", no_folder)
