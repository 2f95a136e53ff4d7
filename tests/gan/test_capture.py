"""Recorded steps, with a stand-in for the GPU: what can be held without one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from games import GradientPenalties, Paired, Remembering, Shades
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.gan.augmentation import Augmentation
from autogan.gan.capture import Recordings
from autogan.gan.objectives import Objective
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.testing.checks import equal_trees

ARCHITECTURES = [
    Architecture.parse(text)
    for text in (
        "pre-batch-nearest+shortcut",
        "post-instance-deconvolution/pre-none-bilinear+skip0",
        "post-none-bilinear",
    )
]
STAGES = 2  # that these architectures are of


class StandIn:
    """Like a graph: recording does nothing, and every replay writes into one and the same result."""

    def __init__(self) -> None:
        self.direct = 0
        self.forgotten = 0
        self.recorded = 0
        self.replayed = 0

    def run(self, step: Callable[[], Tensor]) -> Tensor:
        self.direct += 1
        return step()

    def forget(self) -> None:
        self.forgotten += 1

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        self.recorded += 1
        results: list[Tensor] = []

        def replay() -> Tensor:
            self.replayed += 1
            result = step()
            if not results:
                results.append(result)
            return results[0].copy_(result)

        return replay


def doubled(x: Tensor) -> Tensor:
    return 2 * x


def test_a_step_runs_directly_then_is_recorded_then_replayed() -> None:
    stand_in = StandIn()
    recordings = Recordings(stand_in)
    results = [recordings.run("key", doubled, torch.tensor([float(n)])) for n in range(4)]
    assert [r.item() for r in results] == [0, 2, 4, 6]  # each result is its caller's own
    assert (stand_in.direct, stand_in.recorded, stand_in.replayed) == (1, 1, 3)


def test_the_recording_that_was_not_used_for_longest_makes_room() -> None:
    recordings = Recordings(StandIn(), most=2, patience=0)
    x = torch.ones(2)
    for key in "aabb":
        recordings.run(key, doubled, x)
    recordings.run("a", doubled, x)
    for key in "cc":
        recordings.run(key, doubled, x)
    assert len(recordings) == 2 and "b" not in recordings
    assert "a" in recordings and "c" in recordings
    assert recordings.run("b", doubled, 3 * x).tolist() == [6, 6]  # recorded anew


def test_more_steps_than_fit_are_done_directly_until_a_recording_falls_out_of_use() -> None:
    stand_in = StandIn()
    recordings = Recordings(stand_in, most=2, patience=10)
    x = torch.ones(1)
    for _ in range(5):
        for key in "abcd":
            assert recordings.run(key, doubled, x).item() == 2
    assert stand_in.recorded == 2 and "a" in recordings and "b" in recordings
    for _ in range(12):
        recordings.run("c", doubled, x)
    assert stand_in.recorded == 3 and "c" in recordings and len(recordings) == 2


def test_cleared_recordings_begin_anew() -> None:
    stand_in = StandIn()
    recordings = Recordings(stand_in)
    for _ in range(2):
        for _ in range(3):
            recordings.run("key", doubled, torch.ones(1))
        recordings.clear()
    assert (stand_in.direct, stand_in.recorded, stand_in.forgotten) == (2, 2, 2)


def gan(
    recordings: Recordings | None,
    objective: Objective | None = None,
    augmentation: Augmentation | None = None,
    classes: Classes | None = None,
    class_rate: float = 1.0,
) -> Gan:
    space = search_space("autogan", 2)
    return Gan(
        space.generator(latent_size=16, channels=8, bottom_size=4, classes=classes),
        space.discriminator(8, classes=classes),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        class_rate=class_rate,
        compute=Compute.resolve("cpu", "float32"),
        seed=3,
        purpose="test",
        average_decay=0.9,
        objective=objective,
        augmentation=augmentation,
        recordings=recordings,
    )


def train(made: Gan, steps: int) -> list[float]:
    """Losses of steps over all architectures in turn, with a learning rate that falls.

    Networks that are told classes get images of which some have none.
    """
    losses = []
    for step in range(steps):
        architecture = ARCHITECTURES[step % len(ARCHITECTURES)]
        size = 4 << len(architecture)
        stream = torch.Generator().manual_seed(step)
        real = torch.randint(0, 256, (4, 3, size, size), generator=stream, dtype=torch.uint8)
        made.set_learning_rate(1 / (1 + step))
        labels = torch.arange(4) if step % 2 else None
        if made.generator.classes:
            labels = torch.arange(4) - 1 - step % 2
        batch = Batch(real, None if labels is None else labels.clamp(min=-1))
        losses.append(made.discriminator_step(batch, architecture).item())
        losses.append(made.generator_step(4, architecture, batch).item())
    return losses


def assert_equal(one: Gan, other: Gan) -> None:
    for network in ("generator", "discriminator"):
        states = [getattr(made, network).state_dict() for made in (one, other)]
        for name, value in states[0].items():
            assert torch.equal(value, states[1][name]), name


@pytest.mark.parametrize("rate", [1.0, 4.0])
def test_recorded_steps_of_classes_are_the_direct_ones(rate: float) -> None:
    classes = Classes(("a", "b", "c"), (0.5, 0.25, 0.25), unlabelled=True)
    stand_in = StandIn()
    direct = gan(None, classes=classes, class_rate=rate)
    recorded = gan(Recordings(stand_in), classes=classes, class_rate=rate)
    assert train(direct, 12) == train(recorded, 12)
    assert stand_in.recorded == 2 * len(ARCHITECTURES) + STAGES and stand_in.replayed
    assert_equal(direct, recorded)


def test_a_recorded_training_is_the_direct_one() -> None:
    stand_in = StandIn()
    direct, recorded = gan(None), gan(Recordings(stand_in))
    assert train(direct, 18) == train(recorded, 18)
    # With and without labels, which are steps of two kinds; the discriminator's are of a stage.
    wanted = 2 * (2 * len(ARCHITECTURES) + STAGES)
    assert stand_in.recorded == wanted and stand_in.replayed > stand_in.direct
    assert_equal(direct, recorded)


@pytest.mark.parametrize("objective", [GradientPenalties, Paired, Remembering])
def test_so_it_is_with_penalties_real_images_for_the_generator_memory_and_augmentation(
    objective: type[Objective],
) -> None:
    recordings = Recordings(StandIn())
    direct, recorded = gan(None, objective(), Shades()), gan(recordings, objective(), Shades())
    assert train(direct, 18) == train(recorded, 18) and len(recordings)
    assert_equal(direct, recorded)


def test_a_restart_keeps_what_was_recorded_and_a_load_forgets_it() -> None:
    recordings = Recordings(StandIn())
    direct, recorded = gan(None), gan(recordings)
    for made in (direct, recorded):
        train(made, 7)
    kept = len(recordings)
    direct.restart()
    recorded.restart()
    assert len(recordings) == kept > 0
    assert train(direct, 7) == train(recorded, 7)
    for made in (direct, recorded):
        made.load_state_dict(copy.deepcopy(made.state_dict()))
    assert len(recordings) == 0
    assert train(direct, 7) == train(recorded, 7)
    assert_equal(direct, recorded)


def test_a_restarted_training_is_that_of_fresh_optimisers() -> None:
    """Moments of zero in the same memory are as good as none."""
    restarted, fresh = gan(None), gan(None)
    train(restarted, 7)
    train(fresh, 7)
    fresh.restart()
    fresh.load_state_dict(
        {**fresh.state_dict(), **{f"{n}_optimiser": emptied(fresh, n) for n in PLAYERS}}
    )
    restarted.restart()
    assert train(restarted, 7) == train(fresh, 7)
    assert_equal(restarted, fresh)


PLAYERS = ("generator", "discriminator")


def emptied(made: Gan, player: str) -> dict[str, Any]:
    """The state of an optimiser that has not made a step."""
    return {**getattr(made.learners, player).optimiser.state_dict(), "state": {}}


def test_a_trial_is_put_back_into_the_memory_that_recorded_steps_work_on() -> None:
    """Where it gave no weight its first moments, what was recorded stays; else it is recorded anew."""
    recordings = Recordings(StandIn())
    direct, recorded = gan(None, Remembering(), Shades()), gan(recordings, Remembering(), Shades())
    for made in (direct, recorded):
        train(made, 7)
    kept = len(recordings)
    before = copy.deepcopy(recorded.state_dict())
    with recorded.on_trial():
        train(recorded, 8)
        assert len(recordings) > kept
        assert not equal_trees(before, recorded.state_dict())
    for made in (direct, recorded):
        made.set_learning_rate(1.0)
    assert equal_trees(direct.state_dict()["generator"], recorded.state_dict()["generator"])
    assert len(recordings) > kept, "what was recorded in the trial is good after it"
    assert train(direct, 9) == train(recorded, 9)
    assert_equal(direct, recorded)


def test_weights_that_first_moved_in_a_trial_have_no_moments_after_it() -> None:
    recordings = Recordings(StandIn())
    direct, recorded = gan(None), gan(recordings)
    for made in (direct, recorded):
        made.discriminator_step(Batch(torch.zeros(4, 3, 8, 8, dtype=torch.uint8)), ARCHITECTURES[0])
    before = copy.deepcopy(recorded.state_dict())
    with recorded.on_trial():
        train(recorded, 8)
    recorded.set_learning_rate(1.0)
    for name in ("generator_optimiser", "discriminator_optimiser"):
        now = recorded.state_dict()[name]["state"]
        assert equal_trees(before[name]["state"], now), name
    assert len(recordings) == 0
    assert train(direct, 9) == train(recorded, 9)
    assert_equal(direct, recorded)


def test_a_state_goes_from_direct_to_recorded_and_keeps_its_learning_rate() -> None:
    direct, recorded = gan(None), gan(Recordings(StandIn()))
    train(direct, 4)
    recorded.load_state_dict(copy.deepcopy(direct.state_dict()))
    rates = [
        float(group["lr"])
        for made in (direct, recorded)
        for group in made.learners.generator.optimiser.param_groups
    ]
    assert rates == [pytest.approx(1e-3 / 4)] * 2
    assert train(direct, 4) == train(recorded, 4)


def test_graphs_are_refused_where_there_is_no_cuda() -> None:
    with pytest.raises(UserError, match=r"compute\.capture is 'graphs'"):
        Compute.resolve("cpu", capture="graphs")
    assert not Compute.resolve("cpu").captures
