"""The adversarial step: one update of the discriminator, one update of the generator.

The only hot loop body: of the search's shared training, and of the training of one architecture.
The two steps read nothing back from the device: losses are returned as tensors. On a GPU they are
recorded and replayed (see `capture`).
"""

import copy
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, overload

import torch
from torch import Tensor, nn

from autogan.device.compute import Compute
from autogan.gan.augmentation import Augmentation
from autogan.gan.averaging import AveragedGenerator, HalfLife
from autogan.gan.capture import CudaRecorder, Recordings, recordings_in
from autogan.gan.learner import Learner, Learners, refuse_non_finite
from autogan.gan.looking import Impressions, Looking, guessing_loss
from autogan.gan.objectives import Discriminate, Hinge, Objective
from autogan.gan.streams import Streams
from autogan.images.batches import Batch
from autogan.images.pixels import to_unit
from autogan.nets.joint_norm import join_batch_norms
from autogan.nets.layers import initialise
from autogan.nets.optimisers import TIMES, load_optimiser, put_back_optimiser, rate_groups
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.networks import Discriminator, Generator


class Gan:
    """A generator and a discriminator that train against each other.

    learning_rate, betas: of both Adam optimisers; what tells the generator's classes apart has class_rate
    times that rate. average_decay: keeps an averaged generator where
    it is given. objective: by default `Hinge`. augmentation: by default none. seed and purpose name
    the random streams of weights, latents, labels and augmentation. recordings: where steps are
    recorded; by default on CUDA GPUs, if `compute` says so.

    An `architecture` is a generator's or a pair's; that of a pair names the discriminator too.
    Where several processes train together (`compute.processes`), batches and counts are those of all of
    them; each takes its part, and gradients and losses are means over all.
    A generator with classes makes images of the labels of real ones; of those that have none (-1), and
    where no real images are at hand, the labels are drawn in the classes' shares.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        *,
        learning_rate: float,
        betas: tuple[float, float],
        compute: Compute,
        seed: int,
        purpose: str,
        class_rate: float = 1.0,
        average_decay: float | HalfLife | None = None,
        objective: Objective | None = None,
        augmentation: Augmentation | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self.compute = compute
        if recordings is None and compute.captures:
            recordings = Recordings(
                CudaRecorder(compute.device), most=recordings_in(compute.memory.size)
            )
        self._recordings = recordings
        self.average_decay = average_decay
        self._penalty_share: Tensor | None = None
        self.objective = compute.place(objective or Hinge())
        self.augmentation = augmentation or Augmentation()
        self.streams = Streams(
            seed,
            purpose,
            compute.device,
            latent_size=generator.latent_size,
            classes=generator.classes,
            augmentation=self.augmentation.numbers,
            penalty=self.objective.numbers,
        )
        self.generator = compute.place(generator)
        self.discriminator = compute.place(discriminator)
        if compute.processes.count > 1:
            join_batch_norms(self.generator, compute.processes)
        self._looking = Looking(self.discriminator, self.augmentation, compute)
        faster = self.generator.class_parameters()

        def learner(network: nn.Module, groups: list[dict[str, Any]]) -> Learner:
            optimiser = self._adam(groups, learning_rate, betas)
            return Learner(network, optimiser, learning_rate, betas, compute.processes)

        self.learners = Learners(
            learner(self.generator, rate_groups(self.generator, faster, class_rate)),
            learner(self.discriminator, rate_groups(self.discriminator)),
        )
        self._draw_networks()

    def discriminator_step(self, real: Batch, architecture: Architecture) -> Tensor:
        """One update of D on `real` and as many generated images, of the same labels; the loss."""
        real = real.to(self.compute.device)
        wanted = self.streams.labels(len(real), real.labels)
        latents = self.streams.latents.draw(len(real))
        numbers = self.streams.augmentation(2 * len(real))
        places = self.streams.penalty(len(real)) if self._steps_since_penalty == 0 else None
        self._steps_since_penalty += 1
        self._steps_since_penalty %= self.objective.penalty_every_steps
        part = self._part
        pixels, labels, wanted = part(real.pixels), part(real.labels), part(wanted)
        latents, numbers, places = part(latents), self._parts(numbers, 2), part(places)
        made_by, seen_by = players(architecture)
        generated = self._step("images", self._images, made_by, latents, wanted)
        seen = (len(architecture) - 1, seen_by)
        inputs = (pixels, labels, generated, wanted, numbers, places)
        return self._step("discriminator", self._update_discriminator, seen, *inputs)

    def _images(self, architecture: Architecture, latents: Tensor, wanted: Tensor | None) -> Tensor:
        """What the generator makes for D, without a graph: float32 B×3×S×S."""
        with self.compute.autocast(), torch.no_grad():
            return self.generator(latents, architecture, labels=wanted).float()

    def _update_discriminator(
        self,
        seen: tuple[int, DiscriminatorArchitecture | None],
        pixels: Tensor,
        labels: Tensor | None,
        generated: Tensor,
        wanted: Tensor | None,
        numbers: Tensor,
        places: Tensor | None,
    ) -> Tensor:
        """Real and generated images pass through D together, which is exact because D has no batch
        statistics. It does not matter here who made the images; so a recorded step serves for all."""
        stage, seen_by = seen
        self.discriminator.requires_grad_(True)
        images = torch.cat([to_unit(pixels), generated])  # 2B×3×S×S
        images = images.contiguous(memory_format=self.compute.memory_format)
        both = None if labels is None or wanted is None else torch.cat([labels, wanted])
        all_seen = self._looking.impressions(images, stage, both, numbers, seen_by)  # of 2B
        loss = self._discriminator_loss(*all_seen.halves(), labels)
        if places is not None:

            def look(images: Tensor, *, generated: bool = False) -> Tensor:
                """With the augmentation of the real images; the labels are those of either."""
                told = wanted if generated else labels
                return self._looking.logits(images, stage, told, numbers[: len(pixels)], seen_by)

            loss = self._penalised(loss, images.chunk(2), look, places)
        return self.learners.discriminator.learn(loss)

    def _discriminator_loss(
        self, of_real: Impressions, of_generated: Impressions, labels: Tensor | None
    ) -> Tensor:
        """What D minimises beside penalties, a scalar; the augmentation learns how sure D is."""
        loss = self.objective.discriminator_loss(of_real.logits, of_generated.logits)
        if of_real.along is not None and of_generated.along is not None:
            loss = loss + self.objective.direction_loss(of_real.along, of_generated.along)
        if of_real.guesses is not None and labels is not None:
            loss = loss + guessing_loss(of_real.guesses, labels)
        logits = of_real.logits.detach(), of_generated.logits.detach()
        self.augmentation.observe(self.objective.realness(*logits))
        return loss

    def _penalised(
        self,
        loss: Tensor,
        images: Sequence[Tensor],
        look: Discriminate,
        places: Tensor,
    ) -> Tensor:
        """A loss, and what a schedule leaves of the objective's penalty.

        images: real and generated ones. look: from images to D's logits.
        """
        real, generated = images
        penalty = self.objective.penalty(look, real, generated, places)
        if penalty is None:
            return loss
        return loss + (penalty if self._penalty_share is None else self._penalty_share * penalty)

    def generator_step(
        self, count: int, architecture: Architecture, real: Batch | None = None
    ) -> Tensor:
        """One update of G on `count` generated images, D's weights left without gradients; the loss.

        real: a fresh batch of `count` images, where the objective's `generator_sees_real`: generated
        images get the labels of these.
        """
        inputs = self._generator_inputs(count, real)
        loss = self._step("generator", self._update_generator, architecture, *inputs)
        if self.average:
            self.average.update()
        return loss

    def _generator_inputs(
        self, count: int, real: Batch | None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor, Tensor]:
        """Real pixels and labels, wanted labels, latents and the augmentation's numbers of one loss."""
        latents = self.streams.latents.draw(count)
        pixels, labels = None, None
        if real is not None:
            assert len(real) == count, (len(real), count)
            real = real.to(self.compute.device)
            labels = real.labels
            if self.objective.generator_sees_real:
                pixels = real.pixels
        assert (pixels is not None) == self.objective.generator_sees_real, "no real images"
        wanted = self.streams.labels(count, labels)
        numbers = self.streams.augmentation(count if pixels is None else 2 * count)
        part, numbers = self._part, self._parts(numbers, len(numbers) // count)
        return part(pixels), part(labels), part(wanted), part(latents), numbers

    def loss_through(
        self,
        count: int,
        architecture: Architecture,
        gates: Mapping[str, Tensor],
        real: Batch | None = None,
    ) -> Tensor:
        """The generator's loss as a function of gates: a float32 scalar whose graph reaches them.

        No weight, moment or statistic changes, nor what the objective remembers. Both networks are in
        evaluation mode, the generator with the batch's own statistics, as when children are scored. Not
        recorded: gates differ from call to call, and so does what the graph of the backward pass is asked
        for. count, real: as of `generator_step`. gates: see `Generator.forward`.
        """
        inputs = self._generator_inputs(count, real)
        placed = {name: gate.to(self.compute.device) for name, gate in gates.items()}
        objective, self.objective = self.objective, copy.deepcopy(self.objective)
        self.generator.eval()
        self.discriminator.eval()
        try:
            return self._generator_loss(architecture, *inputs, gates=placed)
        finally:
            self.generator.train()
            self.discriminator.train()
            self.objective = objective

    def _update_generator(
        self,
        architecture: Architecture,
        pixels: Tensor | None,
        labels: Tensor | None,
        wanted: Tensor | None,
        latents: Tensor,
        numbers: Tensor,
    ) -> Tensor:
        self.discriminator.requires_grad_(False)
        loss = self._generator_loss(architecture, pixels, labels, wanted, latents, numbers)
        return self.learners.generator.learn(loss)

    def _generator_loss(
        self,
        architecture: Architecture,
        pixels: Tensor | None,
        labels: Tensor | None,
        wanted: Tensor | None,
        latents: Tensor,
        numbers: Tensor,
        gates: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """What the generator minimises, a scalar. With gates, statistics are the batch's own."""
        stage, count = len(architecture) - 1, len(latents)
        made_by, seen_by = players(architecture)
        with self.compute.autocast():
            if gates is None:
                generated = self.generator(latents, made_by, labels=wanted)  # B×3×S×S
            else:
                generated = self.generator(latents, made_by, True, wanted, gates)
        logits = self._looking.logits(generated, stage, wanted, numbers[:count], seen_by)  # B
        real_logits = None
        if pixels is not None:
            real = to_unit(pixels)
            real_logits = self._looking.logits(real, stage, labels, numbers[count:], seen_by)
        return self.objective.generator_loss(logits, real_logits)

    def _step(
        self,
        kind: str,
        update: Callable[..., Tensor],
        chosen: Hashable,
        *inputs: Tensor | None,
    ) -> Tensor:
        """`update`, directly or as it was recorded for what is chosen and for these shapes."""
        if self._recordings is None:
            return update(chosen, *inputs)

        def step(*given: Tensor | None) -> Tensor:
            result = update(chosen, *given)
            # Gradients would lie in the recordings' memory, where another step may write.
            for learner in self.learners:
                learner.forget_gradients()
            return result

        shapes = (None if tensor is None else tensor.shape for tensor in inputs)
        return self._recordings.run((kind, chosen, *shapes), step, *inputs)

    @overload
    def _part(self, tensor: Tensor) -> Tensor: ...
    @overload
    def _part(self, tensor: Tensor | None) -> Tensor | None: ...
    def _part(self, tensor: Tensor | None) -> Tensor | None:
        """This process's part of a batch, where there is one."""
        return None if tensor is None else self.compute.processes.part(tensor)

    def _parts(self, joined: Tensor, batches: int) -> Tensor:
        """This process's part of each of so many batches that follow each other in one tensor."""
        if self.compute.processes.count == 1:
            return joined
        return torch.cat([self._part(batch) for batch in joined.chunk(batches)])

    def restart(self) -> None:
        """Fresh weights for both networks, fresh optimisers and a fresh average; in the same memory, so that
        recorded steps stay good."""
        self._draw_networks()
        for learner in self.learners:
            learner.restart_optimiser()

    def inherit(self, shared: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Begins with the weights of a search's game, for those options that these networks have.

        shared: what that game's `state_dict` gave. Optimisers, streams and what is remembered stay fresh.
        """
        for name in ("generator", "discriminator"):
            network: nn.Module = getattr(self, name)
            network.load_state_dict({key: shared[name][key] for key in network.state_dict()})
        self._begin_average()

    def _begin_average(self) -> None:
        """Of the generator as it is now, where it is averaged."""
        decay = self.average_decay
        self.average = AveragedGenerator(self.generator, decay) if decay is not None else None

    def _draw_networks(self) -> None:
        """Fresh weights, and nothing remembered of others."""
        initialise(self.generator.train(), self.streams.weights)
        self.discriminator.train().initialise(self.streams.weights)
        self._begin_average()
        self.objective.restart()
        self.augmentation.restart(self.compute.device)
        self._steps_since_penalty = 0

    def _adam(
        self, groups: list[dict[str, Any]], learning_rate: float, betas: tuple[float, float]
    ) -> torch.optim.Adam:
        """groups: of weights, as of `rate_groups`."""
        recorded = self._recordings is not None
        for group in groups:  # a number would be recorded with the step
            rate = learning_rate * group.get(TIMES, 1.0)
            group["lr"] = torch.tensor(rate, device=self.compute.device) if recorded else rate
        capturable = recorded and self.compute.device.type == "cuda"
        return torch.optim.Adam(groups, betas=betas, fused=True, capturable=capturable)

    def forget_recordings(self) -> None:
        """Steps are recorded anew from here on; on a GPU the memory of the recordings can be used again."""
        if self._recordings is not None:
            self._recordings.clear()

    def set_learning_rate(self, factor: float) -> None:
        """Sets both optimisers to `factor` times the initial learning rate."""
        for learner in self.learners:
            learner.set_learning_rate(factor)

    def set_penalty_share(self, share: float | Tensor) -> None:
        """From here on penalties count so much of what they are, 0 to 1."""
        if self._penalty_share is None:
            self._penalty_share = torch.ones((), device=self.compute.device)
            self.forget_recordings()
        self._penalty_share.fill_(share)

    def set_second_decay_rate(self, rate: float) -> None:
        """Sets the second decay rate of both optimisers, which a recorded step would not notice."""
        assert self._recordings is None, (
            "recorded steps keep the decay rates they were recorded with"
        )
        for learner in self.learners:
            learner.set_second_decay_rate(rate)

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where a weight, moment or averaged weight is no finite number."""
        averaged = self.average.state_dict().values() if self.average else ()
        of_both = (tensor for learner in self.learners for tensor in learner.tensors())
        refuse_non_finite([*of_both, *averaged], "weights")

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        state: dict[str, Any] = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "generator_optimiser": self.learners.generator.optimiser.state_dict(),
            "discriminator_optimiser": self.learners.discriminator.optimiser.state_dict(),
            **self.streams.state_dict(),
        }
        if self.average:
            state["average"] = self.average.state_dict()
            state["average_updates"] = self.average.updates
        if remembered := self.objective.state_dict():
            state["objective"] = remembered
        if learned := self.augmentation.state_dict():
            state["augmentation"] = learned
        if self.objective.penalty_every_steps > 1:
            state["steps_since_penalty"] = self._steps_since_penalty
        if self._penalty_share is not None:
            state["penalty_share"] = self._penalty_share
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes to a state that `state_dict` gave, perhaps of another process."""
        self._load_all_but_optimisers(state)
        for name, learner in self.learners._asdict().items():
            load_optimiser(learner.optimiser, state[f"{name}_optimiser"])
        self.forget_recordings()

    @contextmanager
    def on_trial(self) -> Iterator[None]:
        """Afterwards all is as it was before, to the bit: weights, moments, streams, what is remembered.

        It is put back into the same memory, so that recorded steps stay good.
        """
        before = _copied(self.state_dict())
        try:
            yield
        finally:
            self._load_all_but_optimisers(before)
            lost = [
                put_back_optimiser(learner.optimiser, before[f"{name}_optimiser"])
                for name, learner in self.learners._asdict().items()
            ]
            if any(lost):
                self.forget_recordings()

    def _load_all_but_optimisers(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.streams.load_state_dict(state)
        if self.average:
            self.average.load_state_dict(state["average"], state["average_updates"])
        self.objective.load_state_dict(state.get("objective", {}))
        self.augmentation.load_state_dict(state.get("augmentation", {}))
        self._steps_since_penalty = state.get("steps_since_penalty", 0)
        if (share := state.get("penalty_share")) is not None:
            self.set_penalty_share(share)


def _copied(tree: Any) -> Any:
    """The same with tensors of its own."""
    if isinstance(tree, Tensor):
        return tree.clone()
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    return [_copied(value) for value in tree] if isinstance(tree, list) else tree
