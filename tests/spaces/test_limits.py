"""Limits on what architectures cost: whole ones, partial ones, and those that nothing keeps."""

import itertools
import random

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.settings.limits import LimitSettings
from autogan.settings.loading import settings_from_tree
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.limits import Costs, Limits, refuse_impossible
from autogan.spaces.pair import pair_space
from autogan.spaces.space import SearchSpace

SETTINGS = settings_from_tree(
    {
        "data": {"image_size": 16},
        "network": {"latent_size": 8},
        "search": {"stage_weights": [1, 1]},
        "train": {"generator_channels": [12, 8]},
    }
)


def costs() -> Costs:
    return Costs(SETTINGS, None, torch.device("cpu"))


def completions(space: SearchSpace, beginning: Architecture) -> list[Architecture]:
    options = [range(len(d.options)) for d in space.at_stage(1)]
    return [space.extend(beginning, codes) for codes in itertools.product(*options)]


def beginnings(space: SearchSpace) -> list[Architecture]:
    options = [range(len(d.options)) for d in space.at_stage(0)]
    return [space.extend(None, codes) for codes in itertools.product(*options)]


@pytest.mark.parametrize("name", ["autogan", "modern"])
@pytest.mark.parametrize("cost", ["parameters", "multiply_accumulates"])
def test_a_partial_architecture_costs_what_its_cheapest_completion_does(
    name: str, cost: str
) -> None:
    """By trying all of them."""
    space, known = search_space(name, 2), costs()
    some = random.Random(0).sample(beginnings(space), 4)
    for beginning in some:
        least = min(known.of(whole, cost) for whole in completions(space, beginning))
        for limit, kept in ((int(least), True), (int(least) - 1, False)):
            limits = Limits(space, LimitSettings(**{cost: limit}), known)
            assert limits.keeps(beginning) is kept
            assert known.of(limits.completed(beginning), cost) == least


def test_a_whole_architecture_counts_itself() -> None:
    space, known = search_space("autogan", 2), costs()
    architecture = space.sample(random.Random(1))
    own = int(known.of(architecture, "parameters"))
    assert Limits(space, LimitSettings(parameters=own), known).keeps(architecture)
    assert not Limits(space, LimitSettings(parameters=own - 1), known).keeps(architecture)


def test_of_a_pair_the_generator_counts() -> None:
    space, known = search_space("autogan", 2), costs()
    pair = pair_space(space).sample(random.Random(1)).prefix(1)
    limits = Limits(space, LimitSettings(parameters=10**9), known)
    assert limits.keeps(pair)
    assert not Limits(space, LimitSettings(parameters=10), known).keeps(pair)


def test_a_latency_is_measured_of_one_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def latency(known: Costs, architecture: Architecture) -> float:
        measured.append(architecture)
        return 5.0

    monkeypatch.setattr(Costs, "_latency", latency)
    space, known = search_space("autogan", 2), costs()
    beginning = beginnings(space)[0]
    assert Limits(space, LimitSettings(latency_milliseconds=5.0), known).keeps(beginning)
    assert not Limits(space, LimitSettings(latency_milliseconds=4.9), known).keeps(beginning)
    (whole,) = measured
    least = min(known.of(a, "multiply_accumulates") for a in completions(space, beginning))
    assert known.of(whole, "multiply_accumulates") == least


def test_limits_that_nothing_keeps_are_refused_with_the_smallest() -> None:
    space, known = search_space("autogan", 2), costs()
    all_of_them = [a for b in beginnings(space) for a in completions(space, b)]
    smallest = int(min(known.of(a, "parameters") for a in all_of_them))
    refuse_impossible(space, LimitSettings(parameters=smallest), known)
    with pytest.raises(UserError, match=rf"\(parameters {smallest:,}\)"):
        refuse_impossible(space, LimitSettings(parameters=smallest - 1), known)


def test_limits_are_said_in_words() -> None:
    given = LimitSettings(parameters=2_000_000, latency_milliseconds=1.5)
    assert given.in_words == "at most 2,000,000 parameters and 1.5 milliseconds of latency"
    assert LimitSettings().in_words == ""
