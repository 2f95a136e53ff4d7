"""The gradient strategy: its gates, what moves its logits, its temperature, and what it refuses."""

import math

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.settings.search import SearchSettings
from autogan.spaces import search_space
from autogan.strategies.base import Observation, Rung
from autogan.strategies.gradient import Gradient
from autogan.testing import AdditiveToy

SPACE = search_space("autogan", 3)


def made(**gradient: float) -> Gradient:
    settings = SearchSettings(
        strategy="gradient", iterations=6, stage_weights=(1, 1, 1), controller_steps=2,
        gradient={"updates_per_step": 5, **gradient},
    )  # fmt: skip
    return Gradient(SPACE, settings, 0)


def test_a_gate_is_one_to_the_bit_and_has_the_gradient_of_the_soft_sample() -> None:
    strategy = made()
    for _ in range(200):
        logits = torch.randn(3, requires_grad=True)
        state = strategy._generator.get_state()
        code, gate = strategy._gate(logits)
        assert gate.item() == 1.0
        (gradient,) = torch.autograd.grad(gate, [logits])
        strategy._generator.set_state(state)
        noise = -torch.log(-torch.log(torch.rand(3, generator=strategy._generator)))
        soft = ((logits + noise) / strategy.temperature).softmax(0)
        assert code == int(soft.argmax())
        torch.testing.assert_close(gradient, torch.autograd.grad(soft[code], [logits])[0])


def test_paths_are_taken_as_often_as_the_softmax_says() -> None:
    strategy = made()
    logits = torch.tensor([1.0, 0.0, -1.0])
    taken = torch.tensor([strategy._gate(logits)[0] for _ in range(4000)]).bincount() / 4000
    torch.testing.assert_close(taken, logits.softmax(0), atol=0.03, rtol=0)


def test_logits_move_to_what_lowers_the_loss() -> None:
    strategy, toy = made(learning_rate=0.2), AdditiveToy(SPACE, 1)
    for _ in range(40):
        strategy.learn_from_loss(toy.loss, Rung(0))
    proposals = strategy.propose(100, Rung(0), [])
    assert sum(map(toy.value, proposals)) / 100 > toy.mean(1) + toy.deviation(1)


def test_rewards_teach_it_nothing() -> None:
    strategy = made()
    before = [logits.detach().clone() for logits in strategy.logits]
    (proposal,) = strategy.propose(1, Rung(0), [])
    metrics = strategy.observe([Observation(proposal, Rung(0), 0, (100.0,))])
    assert all(torch.equal(a, b) for a, b in zip(before, strategy.logits, strict=True))
    assert metrics["entropy/normalisation"] == pytest.approx(math.log(3))


def test_the_temperature_falls_through_each_stage() -> None:
    strategy, toy = made(first_temperature=4.0, last_temperature=1.0), AdditiveToy(SPACE, 0)
    seen = [strategy.temperature]
    for _ in range(4):  # two iterations of two steps
        seen.append(strategy.learn_from_loss(toy.loss, Rung(0))["temperature"])
    assert seen[0] == 4.0 and seen == sorted(seen, reverse=True) and seen[-1] == 1.0
    (best,) = strategy.promote(
        Rung(0), [Observation(strategy.propose(1, Rung(0), [])[0], Rung(0), 0, (1.0,))], 1
    )
    assert strategy.temperature == 4.0 and len(strategy.logits) == 5
    assert {a.prefix(1) for a in strategy.propose(9, Rung(1, promoted=(best,)), [])} == {best}


def test_it_refuses_trials() -> None:
    with pytest.raises(UserError, match="take another strategy for trials"):
        made().propose(1, Rung(2, steps=100), [])
