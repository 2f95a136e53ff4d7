"""What every objective keeps to."""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor, nn

from autogan.device.compute import Compute
from autogan.gan.objectives import Objective
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.spaces import search_space
from autogan.testing.checks import (
    draws_from_no_shared_stream,
    equal_trees,
    seeded,
    stored_and_read,
)


class ObjectiveConformance(ABC):
    """Tests of an objective: its losses alone, and inside the step that trains with it.

    In a file of tests:

        from autogan.testing import ObjectiveConformance
        from mine import LeastSquares

        class TestLeastSquares(ObjectiveConformance):
            def make(self):
                return LeastSquares()
    """

    batch = 8
    steps = 30
    """Discriminator steps in which D must have learned to tell bright images from noise."""
    learning_rate = 2e-3

    @abstractmethod
    def make(self) -> Objective:
        """A new objective, that remembers nothing yet."""

    # What the tests play.

    def logits(self, seed: int, scale: float = 0.3) -> Tensor:
        """float32 B, as a young discriminator gives them."""
        return scale * torch.randn(self.batch, generator=seeded(seed))

    def losses(self, objective: Objective, seed: int) -> list[Tensor]:
        """Of one step of D and one of G, on logits that the seed names."""
        real, generated = self.logits(seed), self.logits(seed + 100)
        seen = real if objective.generator_sees_real else None
        return [
            objective.discriminator_loss(real, generated),
            objective.generator_loss(generated, seen),
        ]

    def game(self) -> Gan:
        """Two small networks that play for this objective."""
        space = search_space("autogan", 1)
        return Gan(
            space.generator(latent_size=8, channels=8, bottom_size=4),
            space.discriminator(8),
            learning_rate=self.learning_rate,
            betas=(0.0, 0.9),
            compute=Compute.resolve("cpu", "float32"),
            seed=0,
            purpose="conformance",
            objective=self.make(),
        )

    def bright(self, seed: int) -> Batch:
        """Bright images, B×3×8×8, which no fresh generator makes."""
        pixels = torch.randint(200, 256, (self.batch, 3, 8, 8), generator=seeded(seed))
        return Batch(pixels.to(torch.uint8))

    def discriminator_losses(self, game: Gan, first: int, last: int) -> list[float]:
        """Of these steps of D; G stays as it is."""
        architecture = search_space("autogan", 1).first()
        steps = range(first, last)
        return [game.discriminator_step(self.bright(s), architecture).item() for s in steps]

    def generator_losses(self, game: Gan, first: int, last: int) -> list[float]:
        """Of these steps of G; D stays as it is."""
        architecture = search_space("autogan", 1).first()
        sees_real = game.objective.generator_sees_real
        return [
            game.generator_step(
                self.batch, architecture, self.bright(step) if sees_real else None
            ).item()
            for step in range(first, last)
        ]

    # The tests.

    def test_losses_are_finite_scalars(self) -> None:
        for scale in (0.3, 30.0):
            for of_generated in (-scale, scale):
                objective = self.make()
                real = self.logits(0, scale)
                generated = self.logits(1, scale) + of_generated
                seen = real if objective.generator_sees_real else None
                for loss in (
                    objective.discriminator_loss(real, generated),
                    objective.generator_loss(generated, seen),
                ):
                    assert loss.shape == () and loss.dtype == torch.float32, loss
                    assert bool(loss.isfinite()), f"a loss is {loss}"

    def test_the_discriminator_wants_real_logits_high_and_generated_ones_low(self) -> None:
        for seed in range(5):
            real = self.logits(seed).requires_grad_()
            generated = self.logits(seed + 100).requires_grad_()
            self.make().discriminator_loss(real, generated).backward()
            assert real.grad is not None and generated.grad is not None
            assert real.grad.sum() < 0, "its loss does not fall when real logits rise"
            assert generated.grad.sum() > 0, "its loss does not fall when generated logits fall"

    def test_the_generator_wants_its_logits_high(self) -> None:
        for seed in range(5):
            objective = self.make()
            generated = self.logits(seed + 100).requires_grad_()
            seen = self.logits(seed) if objective.generator_sees_real else None
            objective.generator_loss(generated, seen).backward()
            assert generated.grad is not None
            assert generated.grad.sum() < 0, "its loss does not fall when its logits rise"

    def test_a_penalty_is_a_finite_scalar_that_reaches_the_weights(self) -> None:
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 1))
        with torch.no_grad():
            for weight in network.parameters():
                weight.copy_(torch.randn(weight.shape, generator=seeded(weight.numel())) / 5)
        real, generated = (
            torch.rand(self.batch, 3, 8, 8, generator=seeded(seed)) * 2 - 1 for seed in (3, 4)
        )
        before = [real.clone(), generated.clone()]
        objective = self.make()
        numbers = torch.rand(self.batch, objective.numbers, generator=seeded(5))

        def discriminate(images: Tensor, *, generated: bool = False) -> Tensor:
            logits: Tensor = network(images).squeeze(1)
            return logits

        penalty = objective.penalty(discriminate, real, generated, numbers)
        assert equal_trees([real, generated], before), "it changed the images"
        assert not real.requires_grad and not generated.requires_grad, "it changed the images"
        if penalty is None:
            return
        assert penalty.shape == () and bool(penalty.isfinite()), penalty
        assert penalty.requires_grad, "no gradient comes out of it"
        penalty.backward()
        reached = [weight.grad for weight in network.parameters() if weight.grad is not None]
        assert any(bool(gradient.abs().sum() > 0) for gradient in reached), "no weight is reached"
        assert all(bool(gradient.isfinite().all()) for gradient in reached), reached

    def test_it_draws_no_random_numbers_and_learns_nothing(self) -> None:
        with draws_from_no_shared_stream():
            objective = self.make()
            one = self.losses(objective, 0)
        assert equal_trees(one, self.losses(self.make(), 0)), "two new ones differ"
        assert not list(objective.parameters()), "nobody trains an objective's parameters"

    def test_its_state_goes_on_from_a_checkpoint(self, tmp_path: Path) -> None:
        objective, restored = self.make(), self.make()
        for seed in range(3):
            self.losses(objective, seed)
        self.losses(restored, 9)  # something to forget
        state = objective.state_dict()
        if state:
            state = stored_and_read(dict(state), tmp_path)
        restored.load_state_dict(state)
        for seed in range(3, 6):
            expected = self.losses(objective, seed)
            assert equal_trees(self.losses(restored, seed), expected), "other losses"

    def test_a_restart_forgets(self) -> None:
        objective = self.make()
        for seed in range(3):
            self.losses(objective, seed)
        objective.restart()
        fresh = self.make()
        assert equal_trees(dict(objective.state_dict()), dict(fresh.state_dict())), "other state"
        assert equal_trees(self.losses(objective, 5), self.losses(fresh, 5)), "other losses"
        game = self.game()
        self.discriminator_losses(game, 0, 2)
        self.generator_losses(game, 0, 2)
        game.restart()
        assert equal_trees(dict(game.objective.state_dict()), dict(self.make().state_dict()))

    def test_a_game_goes_on_from_a_checkpoint(self, tmp_path: Path) -> None:
        game, restored = self.game(), self.game()
        self.discriminator_losses(game, 0, 2)
        self.generator_losses(game, 0, 2)
        self.discriminator_losses(restored, 0, 1)  # something to forget
        restored.load_state_dict(stored_and_read(game.state_dict(), tmp_path))
        for losses in (self.discriminator_losses, self.generator_losses):
            assert losses(game, 2, 4) == losses(restored, 2, 4)

    def test_steps_teach_the_discriminator_an_easy_problem(self) -> None:
        game = self.game()
        losses = self.discriminator_losses(game, 0, self.steps)
        assert sum(losses[-5:]) < sum(losses[:5]), losses
        architecture = search_space("autogan", 1).first()
        with torch.no_grad():
            generated = game.generator(game.streams.latents.draw(self.batch), architecture)
            real = self.bright(99).pixels.float() / 127.5 - 1
            higher = game.discriminator(real, 0).mean() > game.discriminator(generated, 0).mean()
        assert bool(higher), "D gives generated images the higher logits"

    def test_steps_teach_the_generator_against_a_discriminator_that_stays(self) -> None:
        game = self.game()
        self.discriminator_losses(game, 0, self.steps)
        losses = self.generator_losses(game, 0, self.steps)
        assert sum(losses[-5:]) < sum(losses[:5]), losses
