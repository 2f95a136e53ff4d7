"""Pairs of a generator and its discriminator as values, and the networks that they are run with."""

import random

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.nets.layers import initialise
from autogan.spaces import PAIR_SPACES, search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.pair import PairSpace, pair_space
from autogan.spaces.space import SearchSpace


def sampled(name: str, stages: int) -> list[Architecture]:
    stream = random.Random(0)
    return [search_space(name, stages).sample(stream) for _ in range(12)]


@pytest.mark.parametrize("name", PAIR_SPACES)
@pytest.mark.parametrize("stages", [1, 2, 3, 6])
def test_a_pair_is_read_back(name: str, stages: int) -> None:
    space = search_space(name, stages)
    for pair in sampled(name, stages):
        assert pair in space and len(pair) == stages
        assert Architecture.parse(str(pair)) == pair
        assert Architecture.parse(f"{name}:{pair.to_vector()}") == pair
        assert space.from_vector(pair.to_vector()) == pair
        generator, discriminator = players(pair)
        assert discriminator is not None and generator.space == name.partition("+")[0]
        assert str(pair) == f"{name}:{str(generator).removeprefix('modern:')}~{discriminator}"
        if stages > 1:
            shorter = players(pair.prefix(stages - 1))
            assert shorter[0] == generator.prefix(stages - 1)
            assert shorter[1] is not None and shorter[1].blocks == discriminator.blocks[:-1]


def test_decisions_are_those_of_both() -> None:
    space = search_space("autogan+discriminator", 2)
    generators = search_space("autogan", 2)
    assert space.cardinality() == generators.cardinality() * 8 * 8 * 2
    assert isinstance(space, PairSpace) and space.generators == generators
    named = [(decision.place, decision.name) for decision in space.decisions]
    assert len(set(named)) == len(named)
    names = [decision.name for decision in space.at_stage(1)]
    assert len(set(names)) == len(names), "metrics of decisions are told apart by their names"


def test_pairs_of_many_stages_have_no_softmax_attention_at_large_maps() -> None:
    """It would keep gigabytes for the backward pass. Vectors have as many integers as ever."""
    space = search_space("autogan+discriminator", 6)
    generators = search_space("autogan", 6)
    assert space.cardinality() == generators.cardinality() * 2 * 4**2 * 8**4
    stream = random.Random(0)
    for pair in (space.sample(stream) for _ in range(30)):
        _, discriminator = players(pair)
        assert discriminator is not None
        assert [block.attention for block in discriminator.blocks[:2]] == ["none", "none"]
        assert pair.prefix(3) in space
    vector = space.first().to_vector()
    position = len(space.generators.at_stage(0)) + 1
    assert space.from_vector(vector) == space.first()
    vector[position] = 1
    with pytest.raises(UserError, match="discriminator attention cannot be 'softmax'"):
        space.from_vector(vector)


def test_the_discriminators_of_one_generator_are_a_space() -> None:
    generator = Architecture.parse("autogan-a")
    space = pair_space(SearchSpace.only(generator))
    assert space.cardinality() == 8**3 * 2
    stream = random.Random(1)
    assert all(players(space.sample(stream))[0] == generator for _ in range(9))
    pair = space.sample(stream)
    assert space.extend(pair.prefix(2), space.encode(pair, 2)) == pair
    network = space.generator(latent_size=4, channels=4, bottom_size=4)
    initialise(network, torch.Generator().manual_seed(0))
    assert network.architecture == generator


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("autogan+discriminator:pre-none-nearest", "Cannot read"),
        ("autogan+discriminator:pre-none-nearest~residual/residual", "goes with"),
        ("autogan+discriminator:pre-none-nearest~conv", "Cannot read 'conv'"),
        ("autogan+discriminator:9 0 0 0 0 0 0 0", r"stage 0, order\): 9 is not allowed"),
        ("autogan+discriminator:0 0 0", "ends inside stage 0"),
        ("autogan+discriminator:", "Cannot read"),
    ],
)
def test_what_is_no_pair_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Architecture.parse(text)


def test_an_architecture_without_a_discriminator_is_a_generator_alone() -> None:
    generator = Architecture.parse("autogan-a")
    assert players(generator) == (generator, None)


def test_options_of_a_discriminator_are_those_of_its_stages() -> None:
    told = DiscriminatorArchitecture.parse("bottleneck+half/residual+softmax/deviation")
    assert DiscriminatorArchitecture.of(told.taken) == told
    assert told.taken == (("bottleneck", "none", "half", True), ("residual", "softmax", "full"))
