"""Schedules: what changes from step to step, as the formulas say, directly and in recorded steps."""

import copy
import math
from typing import Any

import pytest
import torch
from games import CPU, ONE, real

from autogan.gan.augmentation import make_augmentation
from autogan.gan.averaging import AveragedGenerator, HalfLife
from autogan.gan.capture import Recordings
from autogan.gan.penalties import make_objective
from autogan.gan.schedules import Rates, Schedule
from autogan.gan.step import Gan
from autogan.settings.search import SearchSettings
from autogan.spaces import search_space
from autogan.testing.checks import equal_trees


def section(**given: Any) -> SearchSettings:
    return SearchSettings.model_validate(given)


EVERYTHING = section(
    betas=[0.0, 0.9],
    objective={
        "real_penalty": 0.5,
        "generated_penalty": 0.2,
        "penalty_every_steps": 2,
        "direction_head": True,
        "lecam_penalty": 0.3,
        "lecam_from_step": 3,
        "top_share": 0.5,
        "top_share_steps": 5,
    },
    augmentation=["colour", "shift"],
    augmentation_probability="adaptive",
    augmentation_images=64,
    schedule={"learning_rate": "cosine", "learning_rate_end": 0.25, "penalty_end": 0.1},
)


def make(settings: SearchSettings, recordings: Recordings | None = None) -> Gan:
    space = search_space("autogan", 1)
    return Gan(
        space.generator(latent_size=8, channels=8, bottom_size=4),
        space.discriminator(
            8,
            spectral_norm=settings.objective.spectral_norm,
            direction_head=settings.objective.direction_head,
        ),
        learning_rate=1e-3,
        betas=settings.betas,
        compute=CPU,
        seed=0,
        purpose="test",
        objective=make_objective(settings.objective),
        augmentation=make_augmentation(settings),
        recordings=recordings,
    )


def test_without_a_schedule_nothing_changes() -> None:
    for step in (0, 5, 10):
        assert Schedule(section(), 10).at(step) == Rates(1.0, 1.0, None)


def test_cosines_fall_and_rise_to_their_ends_in_their_share_of_the_steps() -> None:
    schedule = Schedule(
        section(
            betas=[0.0, 0.9],
            objective={"real_penalty": 1.0},
            schedule={
                "learning_rate": "cosine",
                "learning_rate_end": 0.25,
                "penalty_end": 0.1,
                "second_decay_rate_end": 0.99,
                "cosine_share": 0.5,
            },
        ),
        steps=40,
    )
    for step in range(41):
        left = (1 + math.cos(math.pi * min(1, step / 20))) / 2
        rates = schedule.at(step)
        assert rates.learning_rate == pytest.approx(0.25 + 0.75 * left)
        assert rates.penalty == pytest.approx(0.1 + 0.9 * left)
        assert rates.second_decay_rate == pytest.approx(0.99 - 0.09 * left)
    assert schedule.at(0) == Rates(1.0, 1.0, 0.9)
    assert schedule.at(10) == Rates(pytest.approx(0.625), pytest.approx(0.55), pytest.approx(0.945))
    assert schedule.at(20) == schedule.at(40) == Rates(0.25, 0.1, 0.99)


def test_linear_stays_for_half_of_the_steps_and_then_falls_to_zero() -> None:
    schedule = Schedule(section(schedule={"learning_rate": "linear"}), 8)
    rates = [schedule.at(step).learning_rate for step in range(9)]
    assert rates == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0]


def test_the_rates_reach_the_optimisers_and_the_penalty() -> None:
    settings = section(
        objective={"real_penalty": 2.0},
        schedule={"learning_rate": "cosine", "penalty_end": 0.5, "second_decay_rate_end": 0.99},
    )
    gan, full, bare = make(settings), make(settings), make(section())
    schedule = Schedule(settings, 4)
    schedule.apply(gan, 2)
    for optimiser in (learner.optimiser for learner in gan.learners):
        (group,) = optimiser.param_groups
        assert group["lr"] == pytest.approx(0.5e-3)
        assert group["betas"] == (0.0, pytest.approx(0.945))
    losses = [each.discriminator_step(real(ONE), ONE) for each in (gan, full, bare)]
    penalty = losses[1] - losses[2]
    assert penalty.item() > 1e-4
    torch.testing.assert_close(losses[0] - losses[2], 0.75 * penalty, rtol=1e-3, atol=1e-6)


def test_adam_with_a_decay_rate_that_rises_is_the_formula() -> None:
    settings = section(schedule={"second_decay_rate_end": 0.99})
    gan, schedule = make(settings), Schedule(settings, 3)
    weight = gan.discriminator.get_parameter("last.convolution1.layer.weight")
    expected = weight.detach().double()
    squares = torch.zeros_like(expected)
    for step in range(3):
        schedule.apply(gan, step)
        gan.discriminator_step(real(ONE, step), ONE)
        assert weight.grad is not None
        gradient, rate = weight.grad.double(), schedule.at(step).second_decay_rate
        assert rate is not None
        squares = rate * squares + (1 - rate) * gradient**2
        corrected = squares / (1 - rate ** (step + 1))
        expected = expected - 1e-3 * gradient / (corrected.sqrt() + 1e-8)
        torch.testing.assert_close(weight.double(), expected, rtol=1e-5, atol=1e-6)


def test_recorded_steps_cannot_follow_a_decay_rate() -> None:
    gan = make(section(), Recordings(Immediate()))
    with pytest.raises(AssertionError, match="recorded steps keep the decay rates"):
        gan.set_second_decay_rate(0.95)


class Immediate:
    """Records nothing: a replay is the step itself, with the tensors of its recording."""

    def run(self, step: Any) -> torch.Tensor:
        result: torch.Tensor = step()
        return result

    def record(self, step: Any) -> Any:
        return step

    def forget(self) -> None:
        pass


def train(gan: Gan, settings: SearchSettings, first: int, last: int) -> list[float]:
    schedule, losses = Schedule(settings, 12), []
    for step in range(first, last):
        schedule.apply(gan, step)
        losses.append(gan.discriminator_step(real(ONE, step), ONE).item())
        losses.append(gan.generator_step(4, ONE).item())
    return losses


def test_everything_that_changes_lies_in_tensors_that_a_recorded_step_reads() -> None:
    """After the recording nothing that the step reads is a number of the host."""
    recordings = Recordings(Immediate())
    direct, recorded = make(EVERYTHING), make(EVERYTHING, recordings)
    assert train(direct, EVERYTHING, 0, 12) == train(recorded, EVERYTHING, 0, 12)
    assert len(recordings) == 4  # images, D with and without a penalty, G
    for name, value in direct.discriminator.state_dict().items():
        assert torch.equal(value, recorded.discriminator.state_dict()[name]), name
    learned = recorded.augmentation.learned_probability()
    assert learned is not None and isinstance(recorded._penalty_share, torch.Tensor)
    assert all(
        isinstance(group["lr"], torch.Tensor)
        for optimiser in (learner.optimiser for learner in recorded.learners)
        for group in optimiser.param_groups
    )


def test_steps_read_nothing_back_from_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = make(EVERYTHING, Recordings(Immediate()))

    def refused(*_: Any) -> None:
        raise AssertionError("a value is read back")

    schedule = Schedule(EVERYTHING, 12)
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "cpu", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    for step in range(5):
        schedule.apply(gan, step)
        gan.discriminator_step(real(ONE, step), ONE)
        gan.generator_step(4, ONE)


@pytest.mark.parametrize("stop", [2, 5])
def test_a_training_in_which_everything_changes_goes_on_to_the_bit(stop: int) -> None:
    whole, restored = make(EVERYTHING), make(EVERYTHING)
    train(whole, EVERYTHING, 0, stop)
    train(restored, EVERYTHING, 0, 1)  # something to forget
    restored.load_state_dict(copy.deepcopy(whole.state_dict()))
    assert train(whole, EVERYTHING, stop, 12) == train(restored, EVERYTHING, stop, 12)
    assert equal_trees(whole.state_dict(), restored.state_dict())


def test_a_step_outside_the_schedule_goes_on_with_the_penalty_that_it_left() -> None:
    """As the probes of a search for discriminators, after an interruption."""
    whole, restored = make(EVERYTHING), make(EVERYTHING)
    train(whole, EVERYTHING, 0, 9)
    restored.load_state_dict(copy.deepcopy(whole.state_dict()))
    losses = [
        [gan.discriminator_step(real(ONE, step), ONE).item() for step in range(4)]
        for gan in (whole, restored)
    ]
    assert losses[0] == losses[1]


def test_fresh_weights_begin_with_nothing_learned() -> None:
    gan, fresh = make(EVERYTHING), make(EVERYTHING)
    train(gan, EVERYTHING, 0, 8)
    gan.restart()
    for remembered in ("objective", "augmentation"):
        state = gan.state_dict()[remembered]
        assert state.keys() == fresh.state_dict()[remembered].keys() and state
        assert not any(bool(value.any()) for value in state.values())


def test_a_half_life_by_images_grows_with_what_was_seen() -> None:
    half_life = HalfLife(images=1000, seen_share=0.05, images_per_update=20)
    for updates in (1, 10, 1000, 5000):
        images = min(1000, 0.05 * 20 * updates)
        assert half_life.decay(updates) == pytest.approx(0.5 ** (20 / images))
    assert half_life.decay(1) < 1e-5  # the random start is gone at once
    assert half_life.decay(1000) == half_life.decay(9999) == pytest.approx(0.5 ** (1 / 50))
    generator = make(section()).generator
    average = AveragedGenerator(generator, HalfLife(20, 1.0, 20))
    start = generator.get_parameter("to_rgb.weight").detach().clone()
    average.update()
    with torch.no_grad():
        generator.get_parameter("to_rgb.weight").add_(1)
    average.update()  # a half-life later
    torch.testing.assert_close(average.state_dict()["to_rgb.weight"], start + 0.5)
