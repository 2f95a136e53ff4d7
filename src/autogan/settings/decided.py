"""Where "auto" becomes a value, once. No code below this looks for "auto" again.

What was given and what was decided are two types. `Settings` is what was given: config.yaml holds it,
so that a run whose device is "auto" can go on on another machine. Of it come

- `Settings` whose trainings start with fresh weights, where no search leaves others (`decide_start`);
- `Compute` (`decide_compute`): when a command begins; it is handed down and never written;
- `DecidedSettings` (`decide_for_data`): when the data are loaded, because only they show whether there
  are classes. Generator files and results.json record it. Its `compute` stays as it was given.
"""

from typing import Literal

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.device.processes import ALONE, Processes
from autogan.settings.loading import Tree
from autogan.settings.search import DeriveSettings, Metric, SearchSettings
from autogan.settings.sections import ComputeSettings, NetworkSettings, Settings

DecidedMetric = Literal["inception_score", "frechet_distance"]
UNDECIDED: Tree = {
    "network": {"conditional": "auto"},
    "search": {"reward": "auto"},
    "derive": {"metric": "auto"},
}
"""Makes of recorded settings, which are decided, such as can be decided for other data."""


class DecidedSearchSettings(SearchSettings):
    """The search, with a reward that is decided."""

    reward: DecidedMetric


class DecidedDeriveSettings(DeriveSettings):
    """The derivation, with a metric that is decided."""

    metric: DecidedMetric


class DecidedNetworkSettings(NetworkSettings):
    """The networks, of which is decided whether they are told classes."""

    conditional: Literal["never", "always"]


class DecidedSettings(Settings):
    """Settings that are decided for the data of the run."""

    network: DecidedNetworkSettings
    search: DecidedSearchSettings
    derive: DecidedDeriveSettings


def decide_compute(given: ComputeSettings, processes: Processes = ALONE) -> Compute:
    """Where and how the networks run; `UserError` for what this machine does not have."""
    return Compute.resolve(given.device, given.precision, given.layout, given.capture, processes)


def decide_start(given: Settings, *, searches: bool) -> Settings:
    """The same settings, with fresh weights where no search leaves others. searches: whether one does."""
    if searches or given.train.start == "fresh":
        return given
    return given.model_copy(update={"train": given.train.model_copy(update={"start": "fresh"})})


def decide_for_data(
    given: Settings, data_name: str, *, has_classes: bool, judge_knows_classes: bool
) -> DecidedSettings:
    """The same settings with each "auto" that hangs on the data decided.

    has_classes: whether the images have two classes or more. Raises `UserError` where an inception
    score is asked of a judge that knows no classes, classes of networks for images without any, a direction
    head (SAN) where they are told classes, or a rate of classes where no network is told them.
    """
    conditional = given.network.conditional
    if conditional == "auto":
        conditional = "always" if has_classes else "never"
    if conditional == "always" and not has_classes:
        raise UserError(
            "Settings contradict each other: network.conditional is always, and the images of "
            f"data.source ({given.data.source}) have no classes. Set network.conditional to auto or "
            f"never, or give {data_name} class folders."
        )
    if conditional == "always" and given.direction_heads:
        raise UserError(
            f"Settings contradict each other: the images of data.source ({given.data.source}) have "
            "classes, which network.conditional auto tells the networks, and "
            f"{given.direction_heads[0]}.objective.direction_head makes the last layer one direction, "
            "where every class may have its own. Set network.conditional to never, or direction_head "
            "to false."
        )
    for section in ("search", "train"):
        if given.network.conditional == "never" and getattr(given, section).class_rate != 1:
            raise UserError(
                f"Settings contradict each other: {section}.class_rate is for networks that are told "
                "classes, and network.conditional is never. Set that to auto, or leave class_rate at 1."
            )

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
    network = DecidedNetworkSettings(**{**dict(given.network), "conditional": conditional})
    return DecidedSettings(
        **{**dict(given), "network": network, "search": search, "derive": derive}
    )
