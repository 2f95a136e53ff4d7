"""Generators with what they are trained with as values, and the objectives that they decide."""

import random

import pytest

from autogan.basics.errors import UserError
from autogan.settings.game import ObjectiveSettings
from autogan.spaces import TRAINED_SPACES, search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.space import SearchSpace
from autogan.spaces.trained import LOSSES, SLOPES, TrainedSpace, objective_of, trained_space

HINGE = ObjectiveSettings()


def trained(training: str) -> Architecture:
    return Architecture.parse(f"autogan+training:A@{training}")


@pytest.mark.parametrize("name", TRAINED_SPACES)
@pytest.mark.parametrize("stages", [1, 2, 3, 6])
def test_a_trained_generator_is_read_back(name: str, stages: int) -> None:
    space = search_space(name, stages)
    stream = random.Random(0)
    for member in (space.sample(stream) for _ in range(12)):
        assert member in space and len(member) == stages
        assert Architecture.parse(str(member)) == member
        assert Architecture.parse(f"{name}:{member.to_vector()}") == member
        assert space.from_vector(member.to_vector()) == member
        generator, discriminator = players(member)
        assert discriminator is None and generator.space == name.partition("+")[0]
        text, training = str(member).split("@")
        assert text == f"{name}:{str(generator).removeprefix('modern:')}"
        loss, slope = training.split("+")
        assert loss in LOSSES and slope in SLOPES
        for shorter in range(1, stages):
            assert players(member.prefix(shorter))[0] == generator.prefix(shorter)


@pytest.mark.parametrize("name", TRAINED_SPACES)
def test_decisions_are_those_of_both(name: str) -> None:
    space, generators = search_space(name, 3), search_space(name.partition("+")[0], 3)
    assert space.cardinality() == generators.cardinality() * 5 * 4
    assert isinstance(space, TrainedSpace) and space.generators == generators
    assert space == trained_space(generators)
    named = [f"{decision.place} {decision.name}" for decision in space.decisions]
    assert len(set(named)) == len(named) and {"training loss", "training slope"} < set(named)
    widths = {"latent_size": 4, "channels": 16, "bottom_size": 4}
    member = space.sample(random.Random(1))
    generator, _ = players(member)
    assert space.operations(member, **widths) == generators.operations(generator, **widths)
    assert space.diagram(member) == generators.diagram(generator)
    only = SearchSpace.only(member).generator(**widths)
    assert only.architecture == generator


@pytest.mark.parametrize("loss", LOSSES)
def test_every_training_is_an_objective(loss: str) -> None:
    by_slope = {slope: objective_of(trained(f"{loss}+{slope}"), HINGE) for slope in SLOPES}
    assert {objective.loss for objective in by_slope.values()} == {loss}
    held = {
        slope: (o.spectral_norm, o.real_penalty, o.generated_penalty, o.slope_penalty)
        for slope, o in by_slope.items()
    }
    assert held == {
        "spectral-norm": (True, 0, 0, 0),
        "r1": (False, 1, 0, 0),
        "r1-r2": (False, 1, 1, 0),
        "gradient-penalty": (False, 0, 0, 10),
    }
    every = {slope: o.penalty_every_steps for slope, o in by_slope.items()}
    assert every == {"spectral-norm": 1, "r1": 4, "r1-r2": 4, "gradient-penalty": 4}


def test_strengths_are_those_of_the_settings() -> None:
    given = ObjectiveSettings(
        loss="relativistic-pairing",
        spectral_norm=False,
        real_penalty=3,
        generated_penalty=2,
        penalty_every_steps=2,
        lecam_penalty=0.3,
    )
    decided = objective_of(trained("hinge+r1-r2"), given)
    assert decided == given.model_copy(update={"loss": "hinge"})
    assert objective_of(trained("hinge+r1"), given).generated_penalty == 0
    assert objective_of(trained("hinge+gradient-penalty"), given).penalty_every_steps == 2
    assert objective_of(trained("hinge+spectral-norm"), given) == ObjectiveSettings(
        lecam_penalty=0.3
    )


def test_an_architecture_without_a_training_is_trained_as_the_settings_say() -> None:
    assert objective_of(Architecture.parse("autogan-a"), HINGE) is HINGE


def test_what_does_not_go_with_a_training_is_refused() -> None:
    given = ObjectiveSettings(direction_head=True)
    assert objective_of(trained("non-saturating+r1"), given).direction_head
    with pytest.raises(UserError, match=r"wasserstein\+r1: direction_head goes with"):
        objective_of(trained("wasserstein+r1"), given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("autogan+training:A", "Cannot read 'A' as a generator and its training"),
        ("autogan+training:A@hinge", "Cannot read"),
        ("autogan+training:@hinge+r1", "Cannot read"),
        ("autogan+training:A@hinge+conv", "Training: slope cannot be 'conv'"),
        ("autogan+training:A@r1+hinge", "Training: loss cannot be 'r1'"),
        ("autogan+training:0 0 0 0 5 0", r"cell 0, loss\): 5 is not allowed"),
        ("autogan+training:0 0 0", "ends inside cell 0"),
        ("autogan+training+discriminator:A@hinge+r1", "Cannot read"),
        ("autogan+training:", "Cannot read"),
    ],
)
def test_what_is_no_trained_generator_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Architecture.parse(text)
