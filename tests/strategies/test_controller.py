"""The controller's trace, beside distributions that are listed option by option."""

import itertools
import math

import pytest
import torch

from autogan.spaces import search_space
from autogan.strategies.controller import Controller

DECISIONS = search_space("autogan", 1).at_stage(0)
SIZES = (2, 3, 3, 2)


def controller(scale: float = 1.0) -> Controller:
    """Its heads' weights and biases are drawn anew, `scale` times normal: far from uniform."""
    made = Controller(DECISIONS, 12)
    stream = torch.Generator().manual_seed(0)
    made.initialise(stream)
    with torch.no_grad():
        for head in made.heads:
            for parameter in head.parameters():
                parameter.normal_(generator=stream).mul_(scale)
    return made


@torch.no_grad()
def test_entropies_are_those_of_the_distributions_in_nats() -> None:
    made = controller()
    codes = torch.tensor(list(itertools.product(*map(range, SIZES))))  # every cell: 36×4
    trace = made(made.initial_state(36), codes)
    for decision, size in enumerate(SIZES):
        options = []
        for option in range(size):
            taken = codes.clone()
            taken[:, decision] = option
            other = made(made.initial_state(36), taken)
            options.append(other.log_probabilities[:, decision].exp())
        probabilities = torch.stack(options, 1)  # 36×options
        torch.testing.assert_close(probabilities.sum(1), torch.ones(36))
        expected = -(probabilities * probabilities.log()).sum(1)
        torch.testing.assert_close(trace.entropies[:, decision], expected)
        assert expected.min() > 0 and expected.max() < math.log(size)
    # The cells' probabilities are those of all cells together.
    assert trace.log_probabilities.sum(1).exp().sum().item() == pytest.approx(1, abs=1e-5)


@torch.no_grad()
def test_a_controller_that_prefers_nothing_has_the_largest_entropies() -> None:
    made = controller(scale=0.0)
    trace = made(made.initial_state(2), generator=torch.Generator().manual_seed(0))
    expected = torch.tensor([[math.log(size) for size in SIZES]] * 2)
    torch.testing.assert_close(trace.entropies, expected)
    torch.testing.assert_close(trace.log_probabilities, -expected)


@torch.no_grad()
def test_what_was_sampled_and_what_is_followed_have_one_trace() -> None:
    made = controller()
    sampled = made(made.initial_state(20), generator=torch.Generator().manual_seed(3))
    followed = made(made.initial_state(20), sampled.codes)
    for one, other in zip(vars(sampled).values(), vars(followed).values(), strict=True):
        torch.testing.assert_close(one, other)
    assert len({tuple(codes) for codes in sampled.codes.tolist()}) > 2
    # Later decisions depend on those before them.
    first = torch.tensor([[0, 0, 0, 0], [1, 0, 0, 0]])
    one, other = made(made.initial_state(2), first).entropies[:, 1].tolist()
    assert abs(one - other) > 1e-4
