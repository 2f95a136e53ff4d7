"""Where "auto" becomes a value, once. No code below this looks for "auto" again.

What was given and what was decided are two types. `Settings` is what was given: config.yaml holds it,
so that a run whose device is "auto" can go on on another machine. Of it come

- `Compute` (`decide_compute`): when a command begins; it is handed down and never written;
- `DecidedSettings` (`decide_metrics`): when the data are loaded, because only they show whether there
  are classes. Generator files and results.json record it. Its `compute` stays as it was given.
"""

from typing import Literal

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.settings.loading import Tree
from autogan.settings.sections import (
    ComputeSettings,
    DeriveSettings,
    Metric,
    SearchSettings,
    Settings,
)

DecidedMetric = Literal["inception_score", "frechet_distance"]
UNDECIDED_METRICS: Tree = {"search": {"reward": "auto"}, "derive": {"metric": "auto"}}
"""Makes of recorded settings, whose metrics are decided, such as can be decided for other data."""


class DecidedSearchSettings(SearchSettings):
    """The search, with a reward that is decided."""

    reward: DecidedMetric


class DecidedDeriveSettings(DeriveSettings):
    """The derivation, with a metric that is decided."""

    metric: DecidedMetric


class DecidedSettings(Settings):
    """Settings whose metrics are decided for the data of the run."""

    search: DecidedSearchSettings
    derive: DecidedDeriveSettings


def decide_compute(given: ComputeSettings) -> Compute:
    """Where and how the networks run; `UserError` for what this machine does not have."""
    return Compute.resolve(given.device, given.precision, given.layout, given.capture)


def decide_metrics(given: Settings, data_name: str, judge_knows_classes: bool) -> DecidedSettings:
    """The same settings with each "auto" metric decided.

    Raises `UserError` where an inception score is asked of a judge that knows no classes.
    """

    def decided(name: str, metric: Metric) -> DecidedMetric:
        if metric == "auto":
            return "inception_score" if judge_knows_classes else "frechet_distance"
        if metric == "inception_score" and not judge_knows_classes:
            raise UserError(
                f"Settings contradict each other: {name} is inception_score, which counts classes, "
                f"and the images of data.source ({given.data.source}) have none. Set {name} to "
                f"auto, or give {data_name} class folders."
            )
        return metric

    reward = decided("search.reward", given.search.reward)
    metric = decided("derive.metric", given.derive.metric)
    search = DecidedSearchSettings(**{**dict(given.search), "reward": reward})
    derive = DecidedDeriveSettings(**{**dict(given.derive), "metric": metric})
    return DecidedSettings(**{**dict(given), "search": search, "derive": derive})
