"""REINFORCE over one LSTM controller per stage (paper section 3.2 and algorithm 1)."""

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autogan.basics.randomness import derived_seed
from autogan.settings.search import ControllerSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Decision
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Goal, Observation, Rung, Strategy
from autogan.strategies.controller import Controller, ControllerTrace


def policy_loss(
    log_probabilities: Tensor, entropies: Tensor, advantages: Tensor, entropy_weight: float
) -> Tensor:
    """REINFORCE with an entropy bonus, a scalar to minimise.

    log_probabilities, entropies: B×T, one column per decision; advantages: B, reward − baseline.
    Per sample the log-probabilities of its T decisions are summed; the entropy is a term of its own
    beside the advantage, so its gradient works towards exploration.
    """
    assert log_probabilities.shape == entropies.shape and advantages.ndim == 1
    reward_term = (advantages.detach() * log_probabilities.sum(dim=1)).mean()
    return -(reward_term + entropy_weight * entropies.sum(dim=1).mean())


class Reinforce(Strategy):
    """The paper's strategy: a controller for the newest cell, started from the kept beams.

    Each proposal picks one of the K beams uniformly: the beam's architecture is its prefix, and the
    LSTM state that made the beam is where the controller starts. The moving-average baseline lives
    as long as its controller; a new controller begins with the first reward it sees.

    For trainings from scratch there is one controller, which answers the decisions of all cells in turn.
    What was promoted to a rung of more steps is proposed there as it is.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: ControllerSettings,
        seed: int,
        goals: Sequence[Goal] = (Goal("reward"),),
    ) -> None:
        super().__init__(space, goals)
        self.settings = settings
        self.beams: list[Architecture] = []
        self._generator = torch.Generator().manual_seed(derived_seed(seed, "strategy"))
        self._beam_states: tuple[Tensor, Tensor] | None = None  # K×H each
        self._stages = 1
        self._make_controller()

    def reseed(self, seed: int) -> None:
        """Draws from now on as a new one of that seed would."""
        self._generator.manual_seed(seed)

    @property
    def stage(self) -> int:
        """The stage whose cell the controller decides, or of several the first."""
        return len(self.beams[0]) if self.beams else 0

    @property
    def _decided(self) -> range:
        """The stages whose cells the controller decides: all of them for trainings from scratch."""
        return range(self.stage, self.stage + self._stages)

    @property
    def _decisions(self) -> tuple[Decision, ...]:
        return tuple(d for stage in self._decided for d in self.space.at_stage(stage))

    def _make_controller(self) -> None:
        with torch.device("meta"):  # draws nothing from torch's global generator
            controller = Controller(self._decisions, self.settings.hidden_size)
        self.controller = controller.to_empty(device="cpu")
        self.controller.initialise(self._generator)
        self.optimiser = torch.optim.Adam(
            self.controller.parameters(),
            lr=self.settings.learning_rate,
            betas=self.settings.betas,
        )
        self.baseline: float | None = None

    def _start(self, beam_indices: Tensor) -> tuple[Tensor, Tensor]:
        """The LSTM states, B×H each, that proposals on these beams start from."""
        if self._beam_states is None:
            return self.controller.initial_state(len(beam_indices))
        hidden, cell = self._beam_states
        return hidden[beam_indices], cell[beam_indices]

    @torch.no_grad()
    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        if rung.steps is not None:
            if rung.promoted:
                picks = torch.randint(len(rung.promoted), (count,), generator=self._generator)
                return [rung.promoted[pick] for pick in picks.tolist()]
            self.decide_all(rung)
        assert rung.stage == self._decided[-1], (rung, self._decided)
        beams = max(len(self.beams), 1)
        indices = torch.randint(beams, (count,), generator=self._generator)
        trace = self.controller(self._start(indices), generator=self._generator)
        return [
            self._extended(self.beams[index] if self.beams else None, codes)
            for index, codes in zip(indices.tolist(), trace.codes.tolist(), strict=True)
        ]

    def decide_all(self, rung: Rung) -> None:
        """From the first proposal on, the controller answers the decisions of all stages of a rung."""
        stages = rung.stage + 1
        if self._stages != stages:
            assert self.baseline is None and not self.beams, "it has grown stage by stage"
            self._stages = stages
            self._make_controller()

    def _extended(self, architecture: Architecture | None, codes: list[int]) -> Architecture:
        for stage in self._decided:
            size = len(self.space.at_stage(stage))
            architecture, codes = self.space.extend(architecture, codes[:size]), codes[size:]
        assert architecture is not None
        return architecture

    def propose_for_training(
        self,
        count: int,
        rung: Rung,
        history: Sequence[Observation],
        stream: random.Random,
    ) -> list[Architecture]:
        """From the policy (paper algorithm 1): what it likes is trained most."""
        return self.propose(count, rung, history)

    def _follow(self, architectures: Sequence[Architecture]) -> ControllerTrace:
        """The controller's trace along these architectures of the present stage, or of all."""
        stage = self.stage
        indices = [self.beams.index(a.prefix(stage)) if stage else 0 for a in architectures]
        codes = torch.tensor(
            [[c for s in self._decided for c in self.space.encode(a, s)] for a in architectures]
        )  # B×T
        trace: ControllerTrace = self.controller(self._start(torch.tensor(indices)), codes)
        return trace

    def observe(self, observations: Sequence[Observation]) -> dict[str, float]:
        trace = self._follow([observation.architecture for observation in observations])
        (goal,) = self.goals
        reward = torch.tensor([goal.gain(o.values[0]) for o in observations])  # B
        mean_reward = reward.mean().item()
        baseline = mean_reward if self.baseline is None else self.baseline
        loss = policy_loss(
            trace.log_probabilities,
            trace.entropies,
            reward - baseline,
            self.settings.entropy_weight,
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        decay = self.settings.baseline_decay
        self.baseline = decay * baseline + (1 - decay) * mean_reward
        entropies = trace.entropies.mean(dim=0).tolist()
        several = self._stages > 1
        names = [f"{d.place} {d.name}" if several else d.name for d in self._decisions]
        return {
            "policy_loss": loss.item(),
            "baseline": self.baseline,
            **{f"entropy/{name}": e for name, e in zip(names, entropies, strict=True)},
        }

    @torch.no_grad()
    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        """As `Strategy.promote`; a new controller starts from the states that made the beams.

        For trainings from scratch the controller stays.
        """
        beams = super().promote(rung, observations, count)
        if rung.steps is not None:
            return beams
        trace = self._follow(beams)
        self.beams = beams
        self._beam_states = (trace.hidden, trace.cell)
        self._make_controller()
        return list(beams)

    def state_dict(self) -> dict[str, Any]:
        return {
            "beams": [str(beam) for beam in self.beams],
            "stages": self._stages,
            "beam_states": list(self._beam_states) if self._beam_states else None,
            "controller": self.controller.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "baseline": self.baseline,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.beams = [Architecture.parse(beam) for beam in state["beams"]]
        states = state["beam_states"]
        self._beam_states = (states[0], states[1]) if states else None
        self._stages = state.get("stages", 1)  # 0.1.0 knew no trials
        self._make_controller()
        self.controller.load_state_dict(state["controller"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.baseline = state["baseline"]
        self._generator.set_state(state["generator"])
