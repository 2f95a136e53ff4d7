"""The controller: an LSTM that answers one cell's decisions in turn (paper section 3.2)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.spaces.decisions import Decision


@dataclass(frozen=True)
class ControllerTrace:
    """What the controller did for B cells of T decisions each.

    codes: B×T, positions of the taken options; log_probabilities: B×T, of the taken options;
    entropies: B×T in nats, of the distributions they were taken from; hidden, cell: B×H, the LSTM
    state after the last decision.
    """

    codes: Tensor
    log_probabilities: Tensor
    entropies: Tensor
    hidden: Tensor
    cell: Tensor


class Controller(nn.Module):
    """A policy over the options of one cell's decisions.

    At step t the LSTM reads the embedding of the option taken at step t-1 (zeros at the first) and
    a softmax head of its own gives the distribution over the options of decision t.
    """

    def __init__(self, decisions: tuple[Decision, ...], hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        sizes = [len(decision.options) for decision in decisions]
        self.lstm = nn.LSTMCell(hidden_size, hidden_size)
        self.embeddings = nn.ModuleList(nn.Embedding(size, hidden_size) for size in sizes)
        self.heads = nn.ModuleList(nn.Linear(hidden_size, size) for size in sizes)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Uniform weights in ±0.1 and zero head biases: the first policy is nearly uniform."""
        for parameter in self.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
        for head in self.heads:
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.bias)

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """The state of the first stage: zeros, B×H twice."""
        zeros = torch.zeros(batch, self.hidden_size)
        return zeros, zeros

    def forward(
        self,
        state: tuple[Tensor, Tensor],
        codes: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> ControllerTrace:
        """Samples B cells from B×H initial states, or follows the given `codes`, B×T."""
        hidden, cell = state
        x = torch.zeros_like(hidden)
        taken, log_probabilities, entropies = [], [], []
        for step, (embedding, head) in enumerate(zip(self.embeddings, self.heads, strict=True)):
            hidden, cell = self.lstm(x, (hidden, cell))
            log_p = F.log_softmax(head(hidden), dim=1)  # B×options
            if codes is None:
                code = torch.multinomial(log_p.exp(), 1, generator=generator)  # B×1
            else:
                code = codes[:, step : step + 1]  # B×1
            taken.append(code)
            log_probabilities.append(log_p.gather(1, code))
            entropies.append(-(log_p.exp() * log_p).sum(dim=1, keepdim=True))
            x = embedding(code.squeeze(1))
        return ControllerTrace(
            torch.cat(taken, 1),
            torch.cat(log_probabilities, 1),
            torch.cat(entropies, 1),
            hidden,
            cell,
        )
