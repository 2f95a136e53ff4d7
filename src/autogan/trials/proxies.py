"""What trials are trained under: cheaper settings than the run's, and their own number of steps."""

from typing import TypeVar

from autogan.basics.errors import UserError
from autogan.settings.sections import SMALLEST_BOTTOM, Settings
from autogan.settings.trials import SCORED
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.spaces.trained import objective_of, trained_space

S = TypeVar("S", bound=Settings)


def space_of_trials(settings: Settings) -> SearchSpace:
    """What a search by trials proposes from: architectures, or these with what they are trained with."""
    space = search_space(settings.network.space, settings.cells)
    return trained_space(space) if settings.trials.training == "searched" else space


def trial_settings(settings: S, architecture: Architecture, seed: int) -> S:
    """Those of one trial's own run: trained to the last rung, validated at the end of every first one; the
    state that is best by the first goal that is a score is kept. The objective is that of the architecture,
    where it decides one."""
    trials = settings.trials
    changed = {
        "generator_steps": trials.rung_steps[-1],
        "validate_every_steps": trials.steps,
        "objective": objective_of(architecture, settings.train.objective),
    }
    train = settings.train.model_copy(update=changed)
    metric = next(goal for goal in trials.goals if goal in SCORED)
    derive = settings.derive.model_copy(update={"metric": metric})
    return settings.model_copy(update={"train": train, "derive": derive, "seed": seed})


def proxied(settings: Settings) -> Settings:
    """Settings of trials: smaller images and narrower networks where those proxies are asked for.

    Smaller images keep all cells: the map that the first one doubles becomes smaller as much.
    Raises `UserError` where that is not possible.
    """
    trials, data, network, train = settings.trials, settings.data, settings.network, settings.train
    if settings.search.limits.given and (trials.image_size is not None or trials.width < 1):
        raise UserError(
            "search.limits is about architectures as they would be trained, and trials.image_size and "
            "trials.width make those of the trials smaller. Leave one of them out."
        )
    if trials.image_size is not None:
        bottom, rest = divmod(network.bottom_size * trials.image_size, data.image_size)
        if rest or bottom < SMALLEST_BOTTOM:
            raise UserError(
                f"trials.image_size cannot be {trials.image_size}: data.image_size is {data.image_size} "
                f"and network.bottom_size {network.bottom_size}, which is to become smaller as much. "
                f"Smallest: {SMALLEST_BOTTOM * data.image_size // network.bottom_size}; each double of it is "
                "possible too."
            )
        data = data.model_copy(update={"image_size": trials.image_size})
        network = network.model_copy(update={"bottom_size": bottom})
    widths = train.generator_channels
    narrow = (
        tuple(_narrower(width, trials.width) for width in widths)
        if isinstance(widths, tuple)
        else _narrower(widths, trials.width)
    )
    channels = {
        "generator_channels": narrow,
        "discriminator_channels": _narrower(train.discriminator_channels, trials.width),
    }
    train = train.model_copy(update=channels)
    return settings.model_copy(update={"data": data, "network": network, "train": train})


def _narrower(channels: int, share: float) -> int:
    return max(1, round(channels * share))
