"""Strategies: how they choose, and what REINFORCE learns. What all keep to: test_conformance.py."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from autogan.settings.search import ControllerSettings, SearchSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import cells_of
from autogan.strategies import STRATEGIES, make_strategy
from autogan.strategies.base import Observation, Rung, Strategy
from autogan.strategies.controller import Controller
from autogan.strategies.reinforce import Reinforce, policy_loss
from autogan.strategies.words import STRATEGIES_IN_WORDS

SPACE = search_space("autogan", 3)
POLICIES = ("reinforce", "random")
"""What keeps its own beams, and draws without looking at the history."""
TARGET = Architecture.parse("pre-batch-nearest+shortcut")


def make(name: str, seed: int = 0) -> Strategy:
    return make_strategy(SearchSettings(strategy=name), SPACE, seed)


def propose(strategy: Strategy, count: int, stage: int = 0) -> list[Architecture]:
    return strategy.propose(count, Rung(stage), [])


def observations(
    architectures: Sequence[Architecture], rewards: Sequence[float]
) -> list[Observation]:
    return [
        Observation(a, Rung(len(a) - 1), 0, (float(reward),))
        for a, reward in zip(architectures, rewards, strict=True)
    ]


def observe(
    strategy: Strategy, architectures: Sequence[Architecture], rewards: Sequence[float]
) -> dict[str, float]:
    return strategy.observe(observations(architectures, rewards))


def stage_of(strategy: Strategy) -> int:
    beams = strategy.state_dict()["beams"]
    return len(Architecture.parse(beams[0])) if beams else 0


def promote(strategy: Strategy, architectures: Sequence[Architecture]) -> list[Architecture]:
    """The next stage, with exactly these beams."""
    made = observations(architectures, range(len(architectures), 0, -1))
    return strategy.promote(made[0].rung, made, len(made))


def reinforce(**settings: Any) -> Reinforce:
    return Reinforce(SPACE, ControllerSettings(hidden_size=20, **settings), 0)


def matches(architecture: Architecture) -> float:
    return float(
        sum(a == b for a, b in zip(architecture.to_vector(), TARGET.to_vector(), strict=True))
    )


@pytest.mark.parametrize("name", POLICIES)
def test_the_first_policy_is_nearly_uniform(name: str) -> None:
    proposals = propose(make(name), 1500)
    mean = sum(map(matches, proposals)) / len(proposals)
    assert mean == pytest.approx(1 / 2 + 1 / 3 + 1 / 3 + 1 / 2, abs=0.15)
    assert len(set(proposals)) == 36


@pytest.mark.parametrize("name", POLICIES)
def test_every_beam_is_extended(name: str) -> None:
    strategy = make(name)
    beams = list(dict.fromkeys(propose(strategy, 30)))[:3]
    assert promote(strategy, beams) == beams
    assert {a.prefix(1) for a in propose(strategy, 60, stage=1)} == set(beams)


def test_an_architecture_that_was_observed_twice_is_promoted_once() -> None:
    strategy = make("random")
    one, other = list(dict.fromkeys(propose(strategy, 20)))[:2]
    made = observations([one, other, one], [3, 2, 1])
    assert strategy.promote(Rung(0), made, 3) == [one, other]


def test_policy_loss_by_hand_without_cross_terms() -> None:
    log_p = torch.tensor([[-1.0, -2.0, -3.0], [-0.5, -0.5, -1.0]], requires_grad=True)
    entropies = torch.tensor([[1.0, 1.0, 1.0], [0.5, 0.0, 0.5]], requires_grad=True)
    advantages = torch.tensor([2.0, -1.0], requires_grad=True)
    loss = policy_loss(log_p, entropies, advantages, 0.1)
    # -((2·(-6) + (-1)·(-2)) / 2 + 0.1 · (3 + 1) / 2)
    assert loss.item() == pytest.approx(4.8)
    by_loop = -sum(
        advantages[b] * log_p[b, t] + 0.1 * entropies[b, t] for b in range(2) for t in range(3)
    )
    assert loss.item() == pytest.approx(by_loop.item() / 2)
    loss.backward()
    assert advantages.grad is None
    torch.testing.assert_close(log_p.grad, torch.tensor([[-1.0] * 3, [0.5] * 3]))
    torch.testing.assert_close(entropies.grad, torch.full((2, 3), -0.05))


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_the_entropy_bonus_raises_the_entropy_of_a_skewed_controller(weight: float) -> None:
    strategy = reinforce(entropy_weight=weight, learning_rate=0.01)
    state = copy.deepcopy(strategy.state_dict())
    for name, value in state["controller"].items():
        if name.startswith("heads.") and name.endswith("bias"):
            value[0] = 1.5
    strategy.load_state_dict(state)
    architectures = propose(strategy, 8, stage_of(strategy))

    def step() -> float:  # equal rewards: the first baseline is their mean, all advantages are zero
        figures = observe(strategy, architectures, [2.0] * 8)
        return sum(value for name, value in figures.items() if name.startswith("entropy/"))

    before, after = step(), step()
    assert after > before + 0.005 if weight else after == before


def skewed(strategy: Reinforce) -> Reinforce:
    """Its controller prefers every first option: the biases of its heads are 1.5 for them."""
    state = copy.deepcopy(strategy.state_dict())
    for name, value in state["controller"].items():
        if name.startswith("heads.") and name.endswith("bias"):
            value[0] = 1.5
    strategy.load_state_dict(state)
    return strategy


@torch.no_grad()
def test_options_are_taken_as_often_as_the_policy_says() -> None:
    """Along 4,000 samples, beside the probabilities of the first decision and the mean of the others'."""
    strategy = skewed(reinforce())
    proposals = propose(strategy, 4000)
    codes = torch.tensor([a.to_vector() for a in proposals])  # N×4
    log_p = strategy.controller(strategy.controller.initial_state(4000), codes).log_probabilities
    for decision, size in enumerate((2, 3, 3, 2)):
        for option in range(size):
            taken = codes.clone()
            taken[:, decision] = option  # the probability that this option had in every sample
            trace = strategy.controller(strategy.controller.initial_state(4000), taken)
            expected = trace.log_probabilities[:, decision].exp().mean().item()
            share = (codes[:, decision] == option).double().mean().item()
            assert share == pytest.approx(expected, abs=0.03)  # four deviations
    assert log_p.exp().prod(1).mean() > 1.5 / 36  # far from uniform


def test_the_controller_learns_with_adam_of_the_settings() -> None:
    """The first step of Adam is the learning rate, against the sign; the second knows the first."""
    strategy = reinforce(betas=(0.3, 0.8), learning_rate=0.01)
    weight = strategy.controller.heads[0].weight
    architectures = propose(strategy, 4)
    expected, first, second = weight.detach().clone(), 0.0, 0.0
    for step, rewards in enumerate(([1.0, 2.0, 3.0, 4.0], [9.0, -2.0, 4.0, 5.0]), start=1):
        observe(strategy, architectures, rewards)
        first = 0.3 * first + 0.7 * weight.grad
        second = 0.8 * second + 0.2 * weight.grad.square()
        root = (second / (1 - 0.8**step)).sqrt() + 1e-8
        expected = expected - 0.01 * (first / (1 - 0.3**step)) / root
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", POLICIES)
def test_the_seed_names_the_proposals(name: str) -> None:
    one, same, other = (propose(make(name, seed), 12) for seed in (3, 3, 4))
    assert one == same != other


def test_the_baseline_follows_the_moving_average_and_is_subtracted() -> None:
    strategy = reinforce(entropy_weight=0.0, learning_rate=1e-12)
    architectures = propose(strategy, 2, stage_of(strategy))
    expected = None
    for rewards in ([2.0, 4.0], [5.0, 5.0], [1.0, 0.0]):
        log_p = strategy._follow(architectures).log_probabilities.sum(1).tolist()
        mean = sum(rewards) / 2
        baseline = mean if expected is None else expected
        loss = -sum((r - baseline) * p for r, p in zip(rewards, log_p, strict=True)) / 2
        expected = 0.9 * baseline + 0.1 * mean
        figures = observe(strategy, architectures, rewards)
        assert figures["baseline"] == pytest.approx(expected)
        assert figures["policy_loss"] == pytest.approx(loss, abs=1e-5)
    assert expected == pytest.approx(0.9 * 3.2 + 0.1 * 0.5)
    restored = reinforce()
    restored.load_state_dict(strategy.state_dict())
    assert restored.baseline == pytest.approx(expected)
    promote(strategy, list(dict.fromkeys(propose(strategy, 50, stage_of(strategy))))[:2])
    proposals = propose(strategy, 2, stage_of(strategy))
    assert observe(strategy, proposals, [7.0, 9.0])["baseline"] == pytest.approx(8)


def test_reinforce_learns_where_random_does_not() -> None:
    means = {}
    for name in POLICIES:
        controller = ControllerSettings(hidden_size=32, learning_rate=0.01)
        strategy = make_strategy(SearchSettings(strategy=name, controller=controller), SPACE, 0)
        for _ in range(300):
            architectures = propose(strategy, 8, stage_of(strategy))
            observe(strategy, architectures, [matches(a) for a in architectures])
        means[name] = sum(map(matches, propose(strategy, 600, stage_of(strategy)))) / 600
    assert means["reinforce"] > 3.5
    assert means["random"] == pytest.approx(5 / 3, abs=0.25)


def states_by_hand(
    controller: Controller, start: tuple[Tensor, Tensor], codes: Tensor
) -> tuple[Tensor, Tensor]:
    """The LSTM cell by cell: zeros first, then the embedding of what was taken."""
    hidden, cell = start
    x = torch.zeros_like(hidden)
    for step, embedding in enumerate(controller.embeddings):
        hidden, cell = controller.lstm(x, (hidden, cell))
        x = embedding(codes[:, step])
    return hidden, cell


@torch.no_grad()
def test_grow_keeps_the_states_that_made_the_beams_and_the_next_controller_starts_there() -> None:
    strategy = reinforce(learning_rate=0.05, entropy_weight=0.0)
    for _ in range(3):  # a policy that has left its start
        with torch.enable_grad():
            architectures = propose(strategy, 4, stage_of(strategy))
            observe(strategy, architectures, [matches(a) for a in architectures])
    beams = list(dict.fromkeys(propose(strategy, 100, stage_of(strategy))))[:3]
    assert len(beams) == 3
    first = copy.deepcopy(strategy.controller)
    codes = torch.tensor([beam.to_vector() for beam in beams])
    hidden, cell = states_by_hand(first, (torch.zeros(3, 20), torch.zeros(3, 20)), codes)
    promote(strategy, beams)
    assert strategy.beams == beams and strategy.stage == 1
    kept_hidden, kept_cell = strategy.state_dict()["beam_states"]
    torch.testing.assert_close(kept_hidden, hidden)
    torch.testing.assert_close(kept_cell, cell)
    assert (hidden[0] - hidden[1]).abs().max() > 1e-3

    # The loss of a batch over mixed beams is that of the new controller run from these states.
    options = [(2, 0, 1), (1, 2, 0), (2, 1, 1), (0, 1, 2)]
    proposals = [
        SPACE.extend(beams[b], [1, n, u, 0, 1])
        for b, n, u in zip([2, 0, 1, 2], options[1] + (0,), options[0] + (2,), strict=True)
    ]
    order = torch.tensor([2, 0, 1, 2])
    codes = torch.tensor([a.to_vector()[4:] for a in proposals])
    controller = copy.deepcopy(strategy.controller)
    trace = controller((hidden[order], cell[order]), codes)
    rewards = torch.tensor([1.0, 2.0, 4.0, 9.0])
    expected = policy_loss(trace.log_probabilities, trace.entropies, rewards - 4, 0.0)
    wrong = controller((hidden[order.flip(0)] * 0, cell[order] * 0), codes)
    other = policy_loss(wrong.log_probabilities, wrong.entropies, rewards - 4, 0.0)
    with torch.enable_grad():
        figures = observe(strategy, proposals, rewards.tolist())
    assert figures["policy_loss"] == pytest.approx(expected.item(), abs=1e-6)
    assert abs(other.item() - expected.item()) > 1e-5

    # And the states after these choices become those of the next stage.
    controller = copy.deepcopy(strategy.controller)
    after = states_by_hand(controller, (hidden[order], cell[order]), codes)
    promote(strategy, proposals)
    for kept, value in zip(strategy.state_dict()["beam_states"], after, strict=True):
        torch.testing.assert_close(kept, value)
    assert {a.prefix(2) for a in propose(strategy, 100, stage_of(strategy))} == set(proposals)


def test_proposals_depend_on_the_state_of_their_own_beam() -> None:
    """A controller whose first answer copies the sign of the state it starts from."""
    strategy = reinforce()
    beams = list(dict.fromkeys(propose(strategy, 50, stage_of(strategy))))[:2]
    promote(strategy, beams)
    state = copy.deepcopy(strategy.state_dict())
    controller = state["controller"]
    for value in controller.values():
        value.zero_()
    controller["lstm.bias_ih"][20:40] = 20.0  # forget gate open: the cell state stays
    controller["lstm.bias_ih"][60:80] = 20.0  # output gate open
    controller["heads.0.weight"][1] = 5.0
    state["beam_states"] = [
        torch.zeros(2, 20),
        torch.stack([torch.full((20,), 5.0), torch.full((20,), -5.0)]),
    ]
    strategy.load_state_dict(state)
    proposals = propose(strategy, 60, stage_of(strategy))
    assert {a.prefix(1) for a in proposals} == set(beams)
    for architecture in proposals:
        expected = "pre" if architecture.prefix(1) == beams[0] else "post"
        assert cells_of(architecture)[1].order == expected


def test_every_strategy_is_explained() -> None:
    assert list(STRATEGIES_IN_WORDS) == list(STRATEGIES)
    for words in STRATEGIES_IN_WORDS.values():
        assert words.sentence[0].isupper() and words.sentence.endswith(".")
        assert words.proposes[0].islower() and not words.proposes.endswith(".")
