"""The search beside an account of it by hand: what each setting, seed and image reaches, and when.

The settings here differ from one another wherever two could be exchanged.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import ColourJudge, Listening, context_of, tiny
from torch import Tensor

from autogan.basics.randomness import torch_generator
from autogan.device.compute import Compute
from autogan.images.batches import Batch, Batches
from autogan.judges import Judgement
from autogan.method.dynamic_reset import LossWindow
from autogan.method.search import Search
from autogan.runs.drive import drive
from autogan.runs.folder import Run
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture
from autogan.strategies import make_strategy
from autogan.strategies.base import Rung

DIFFERENT = {
    "generator_channels": 12,
    "discriminator_channels": 6,
    "generator_batch": 5,
    "discriminator_batch": 7,
    "learning_rate": 3e-3,
    "betas": [0.1, 0.7],
    "reward_images": 33,
}
"""None of them as in `tiny`'s section `train`."""


def make(folder: Path, seed: int = 0, name: str = "run", **search: Any) -> Search:
    settings = tiny(seed=seed, search=search)
    return Search(context_of(settings, folder), Run.create(folder / name, settings), Listening())


def searched(search: Search) -> Search:
    drive(search, search.run.keeper("search"))
    return search


def events(search: Search, kind: str) -> list[dict[str, Any]]:
    lines = (search.run.folder / "log.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == kind]


class Noted:
    """What the steps of a search are given, and the losses that they return."""

    def __init__(self, search: Search, patch: pytest.MonkeyPatch) -> None:
        self.batches: list[Tensor] = []
        self.architectures: list[Architecture] = []
        self.generated: list[tuple[int, int, Architecture]] = []
        """Before which discriminator step, how many images, of which architecture."""
        self.losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
        discriminator_step, generator_step = (
            search.gan.discriminator_step,
            search.gan.generator_step,
        )

        def discriminated(real: Batch, architecture: Architecture) -> Tensor:
            loss = discriminator_step(real, architecture)
            self.batches.append(real.pixels.clone())
            self.architectures.append(architecture)
            self.losses["discriminator"].append(loss.item())
            return loss

        def generated(count: int, architecture: Architecture, real: Batch | None) -> Tensor:
            assert real is None
            loss = generator_step(count, architecture)
            self.generated.append((len(self.batches), count, architecture))
            self.losses["generator"].append(loss.item())
            return loss

        patch.setattr(search.gan, "discriminator_step", discriminated)
        patch.setattr(search.gan, "generator_step", generated)


def test_every_setting_of_the_search_reaches_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path, **DIFFERENT)
    assert search.gan.generator.channels == 12 and search.gan.discriminator.channels == 6
    for optimiser in (learner.optimiser for learner in search.gan.learners):
        (group,) = optimiser.param_groups
        assert group["lr"] == 3e-3 and group["betas"] == (0.1, 0.7) and not group["weight_decay"]
    noted, judged = Noted(search, monkeypatch), list[int]()
    whole = ColourJudge.__call__

    def counted(judge: ColourJudge, images: Tensor) -> Judgement:
        judged.append(len(images))
        return whole(judge, images)

    monkeypatch.setattr(ColourJudge, "__call__", counted)
    searched(search)
    assert {len(batch) for batch in noted.batches} == {7}
    assert {count for _, count, _ in noted.generated} == {5}
    assert set(judged) == {33} and len(judged) == len(search.children.history)


@pytest.mark.parametrize("every", [2, 3])
def test_a_generator_step_follows_every_few_discriminator_steps_across_iterations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """With the architecture of the batch before it; an iteration need not be a multiple of them."""
    steps = {"shared_steps": 5, "shared_epochs": None, "discriminator_steps": every}
    search = make(tmp_path, iterations=2, **steps)
    noted = Noted(search, monkeypatch)
    searched(search)
    assert len(noted.batches) == 10
    assert [(after, a) for after, _, a in noted.generated] == [
        (number, noted.architectures[number - 1]) for number in range(every, 11, every)
    ]


def test_every_batch_has_an_architecture_of_its_own_from_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path, shared_steps=60, shared_epochs=None)
    noted = Noted(search, monkeypatch)
    twin = make_strategy(SearchSettings(stage_weights=(1, 1)), search.space, 0)
    while not search._shared_training_has_ended():
        search.step()
    expected = twin.propose(50, Rung(0), []) + twin.propose(10, Rung(0), [])
    assert noted.architectures == expected and len(set(expected)) > 20


def test_batches_are_training_images_at_the_size_of_the_stage_in_an_order_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which streams draw them is promised: else no search could be repeated."""
    search = make(tmp_path)
    noted = Noted(search, monkeypatch)
    searched(search)
    images = context_of(tiny(), tmp_path).data
    expected = []
    for stage, size in enumerate((8, 16)):
        batches = Batches(images.resized(size).train.pixels, 4, 0, f"search/stage{stage}")
        expected += [batches.next().pixels for _ in range(8)]
    assert len(noted.batches) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(noted.batches, expected, strict=True))
    latents = torch.randn(4, 16, generator=torch_generator(0, "search/latents"))
    assert torch.equal(make(tmp_path, name="fresh").gan.streams.latents.draw(4), latents)


def test_the_seed_names_every_stream_of_a_search(tmp_path: Path) -> None:
    one, other = make(tmp_path), make(tmp_path, seed=1, name="other")
    assert not torch.equal(one.batches.next().pixels, other.batches.next().pixels)
    assert not torch.equal(one.gan.streams.latents.draw(2), other.gan.streams.latents.draw(2))
    weights = (search.gan.generator.get_parameter("to_rgb.weight") for search in (one, other))
    assert not torch.equal(*weights)
    assert one._propose(9) != other._propose(9)
    assert {o.seed for o in searched(other).children.observations} == {1}


def test_the_distance_that_rewards_is_to_training_images_of_the_size_of_the_stage(
    tmp_path: Path,
) -> None:
    search = make(tmp_path, reward="frechet_distance", reward_images=40)
    data = context_of(tiny(), tmp_path).data
    for size in (8, 16):
        assert search.scorer.real is not None
        features = ColourJudge()(data.resized(size).train.pixels).features.double()
        found = search.scorer.real.statistics
        torch.testing.assert_close(found.mean, features.mean(0))
        torch.testing.assert_close(found.covariance, features.T.cov())
        if size == 8:
            while search.stage == 0:
                search.step()
    assert all(child.reward < 0 for child in search.children.history)
    assert [child.reward for child in search.beams[0]] == sorted(
        (c.reward for c in search.children.history if c.purpose == "beam"), reverse=True
    )[:2]


def test_each_window_holds_the_losses_of_its_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path, reset={"window": 4, "threshold": 0})
    noted = Noted(search, monkeypatch)
    searched(search)
    for name, window in (
        ("generator", search.generator_losses),
        ("discriminator", search.discriminator_losses),
    ):
        spread = torch.tensor(noted.losses[name][-4:]).std(correction=0).item()
        assert not window.collapsed(0.999 * spread) and window.collapsed(1.001 * spread)


@pytest.mark.parametrize("still", ["generator_losses", "discriminator_losses", "neither"])
def test_one_network_that_stands_still_ends_the_game(tmp_path: Path, still: str) -> None:
    search = make(tmp_path)
    for name in ("generator_losses", "discriminator_losses"):
        window = LossWindow(4, Compute.resolve("cpu").device)
        for number in range(4):
            window.add(torch.tensor(1.0 + number * (name != still)))
        setattr(search, name, window)
    assert search._game_has_collapsed() is (still != "neither")


def test_a_game_that_ended_in_shared_training_is_reset_at_the_end_of_its_iteration(
    tmp_path: Path,
) -> None:
    """Whatever comes between them: the controller's phase, and the growth of both networks."""
    shape = {"iterations": 4, "stage_weights": [1, 3], "shared_epochs": 3, "controller_steps": 3}
    search = make(tmp_path, reset={"window": 2, "threshold": 1e9}, **shape)
    generations = []
    while not search.done:
        if search.step():
            weights = search.gan.generator.get_parameter("to_rgb.weight")
            generations.append((search.steps, weights.detach().clone()))
    resets = [(line["iteration"], line["stage"]) for line in events(search, "reset")]
    assert resets == [(0, 1), (1, 1), (2, 1)]
    assert [steps for steps, _ in generations] == [10, 20, 30, 40]  # of 48 each
    assert not any(torch.equal(one[1], other[1]) for one, other in itertools.pairwise(generations))
    assert len([c for c in search.children.history if c.purpose == "controller"]) == 24


def test_a_policy_that_rarely_says_anything_new_is_asked_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path)
    one, other, third = list(dict.fromkeys(search._propose(60)))[:3]
    said = iter([one] * 30 + [other] + [one] * 28 + [third])
    monkeypatch.setattr(search.strategy, "propose", lambda *asked: [next(said)])
    assert search.distinct(3) == [one, other, third]  # the sixtieth is the last that counts
    said = iter([one] * 60 + [other])
    assert search.distinct(3) == [one]


def test_the_strategy_learns_from_every_child_of_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, observed = make(tmp_path, controller={"samples_per_step": 3}), list[Any]()
    whole = search.strategy.observe

    def noted(observations: Any) -> dict[str, float]:
        observed.append(list(observations))
        return whole(observations)

    monkeypatch.setattr(search.strategy, "observe", noted)
    searched(search)
    children = [c for c in search.children.history if c.purpose == "controller"]
    assert [len(each) for each in observed] == [3] * 4
    assert [(o.architecture, o.values) for each in observed for o in each] == [
        (child.architecture, (child.reward,)) for child in children
    ]
    rewards = [line["reward"] for line in events(search, "controller")]
    assert rewards == pytest.approx([sum(o.values[0] for o in each) / 3 for each in observed])
