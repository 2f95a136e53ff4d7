"""Gradients through one sampled path, on shared weights (as GDAS, Dong & Yang, arXiv 1910.04465)."""

import itertools
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from autogan.basics.errors import UserError
from autogan.basics.randomness import derived_seed, torch_generator
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Observation, Rung, Strategy

if TYPE_CHECKING:
    from autogan.strategies.base import LossOf


class Gradient(Strategy):
    """One logit for each option of the newest stage's decisions, learned from the generator's own loss.

    A path is sampled from the softmax of the logits with Gumbel noise; the gate of each taken option is
    1, and its gradient is that of the softmax at a temperature that falls through the stage (straight
    through). It minimises the loss against the present discriminator, not the reward: rewards only decide
    what is promoted and derived. What is not computed has no gradient: options such as no skip learn only
    while another of their decision is taken, and so does what a normalisation behind it undoes.
    Beams are extended uniformly, as by REINFORCE; every stage begins with equal logits.
    """

    def __init__(self, space: SearchSpace, settings: SearchSettings, seed: int) -> None:
        super().__init__(space)
        self.settings = settings.gradient
        starts = [*settings.stage_starts(), settings.iterations]
        updates = settings.controller_steps * self.settings.updates_per_step
        self._updates_of_stage = [
            (end - start) * updates for start, end in itertools.pairwise(starts)
        ]
        self._generator = torch_generator(seed, "strategy")
        self._stream = random.Random(derived_seed(seed, "strategy"))
        self.stage = 0
        self._begin()

    def _begin(self) -> None:
        """Equal logits for the decisions of the present stage."""
        self.logits = [
            nn.Parameter(torch.zeros(len(decision.options)))
            for decision in self.space.at_stage(self.stage)
        ]
        self.optimiser = torch.optim.Adam(self.logits, lr=self.settings.learning_rate)
        self.updates = 0

    @property
    def temperature(self) -> float:
        """Of the next update."""
        first, last = self.settings.first_temperature, self.settings.last_temperature
        share = min(1.0, self.updates / max(1, self._updates_of_stage[self.stage] - 1))
        return first + share * (last - first)

    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        """From the softmax of the logits."""
        return self._sample(count, rung, self._stream)

    def propose_for_training(
        self,
        count: int,
        rung: Rung,
        history: Sequence[Observation],
        stream: random.Random,
    ) -> list[Architecture]:
        """From the softmax of the logits, as in GDAS: what it likes is trained most."""
        return self._sample(count, rung, stream)

    def _sample(self, count: int, rung: Rung, stream: random.Random) -> list[Architecture]:
        self._require_shared_weights(rung)
        shares = [logits.detach().softmax(0).tolist() for logits in self.logits]
        return [
            self.space.extend(
                stream.choice(rung.promoted) if rung.promoted else None,
                [stream.choices(range(len(share)), share)[0] for share in shares],
            )
            for _ in range(count)
        ]

    def _require_shared_weights(self, rung: Rung) -> None:
        if rung.steps is not None:
            raise UserError(
                "search.strategy=gradient learns from the loss of shared weights, which trainings from "
                "scratch do not have: take another strategy for trials."
            )
        assert rung.stage == self.stage, (rung, self.stage)

    def learn_from_loss(self, loss: "LossOf", rung: Rung) -> dict[str, float]:
        """Some updates of the logits, each by the gradient of one sampled path."""
        self._require_shared_weights(rung)
        losses = []
        for _ in range(self.settings.updates_per_step):
            beginning = self._stream.choice(rung.promoted) if rung.promoted else None
            drawn = [self._gate(logits) for logits in self.logits]
            architecture = self.space.extend(beginning, [code for code, _ in drawn])
            names = [decision.name for decision in self.space.at_stage(self.stage)]
            gates = {name: gate for name, (_, gate) in zip(names, drawn, strict=True)}
            value = loss(architecture, gates)
            gradients = torch.autograd.grad(value, self.logits, allow_unused=True)
            for logits, gradient in zip(self.logits, gradients, strict=True):
                logits.grad = torch.zeros_like(logits) if gradient is None else gradient
            self.optimiser.step()
            self.updates += 1
            losses.append(value.detach())
        return {"path_loss": torch.stack(losses).mean().item(), "temperature": self.temperature}

    def _gate(self, logits: Tensor) -> tuple[int, Tensor]:
        """The code of a sampled option, and its gate: exactly 1, with the gradient of the soft sample."""
        uniform = torch.rand(len(logits), generator=self._generator).clamp_(min=1e-20)
        noise = -torch.log(-torch.log(uniform))  # Gumbel
        soft = ((logits + noise) / self.temperature).softmax(0)
        code = int(soft.argmax())
        return code, 1 + (soft[code] - soft[code].detach())

    def observe(self, observations: Sequence[Observation]) -> dict[str, float]:
        """Learns nothing from rewards; tells the entropies of its choices, in nats."""
        entropies = [
            torch.distributions.Categorical(logits=logits.detach()).entropy().item()
            for logits in self.logits
        ]
        decisions = self.space.at_stage(self.stage)
        return {f"entropy/{d.name}": e for d, e in zip(decisions, entropies, strict=True)}

    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        """As `Strategy.promote`; the next stage begins with equal logits."""
        beams = super().promote(rung, observations, count)
        self.stage += 1
        self._begin()
        return beams

    def state_dict(self) -> dict[str, Any]:
        version, internal, gauss = self._stream.getstate()
        return {
            "stage": self.stage,
            "logits": [logits.detach().clone() for logits in self.logits],
            "optimiser": self.optimiser.state_dict(),
            "updates": self.updates,
            "generator": self._generator.get_state(),
            "stream": [version, list(internal), gauss],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.stage = state["stage"]
        self._begin()
        with torch.no_grad():
            for logits, kept in zip(self.logits, state["logits"], strict=True):
                logits.copy_(kept)
        self.optimiser.load_state_dict(state["optimiser"])
        self.updates = state["updates"]
        self._generator.set_state(state["generator"])
        version, internal, gauss = state["stream"]
        self._stream.setstate((version, tuple(internal), gauss))
