"""The latest losses of a network, by which the search sees that the adversarial game has ended."""

from typing import Any

import torch
from torch import Tensor


class LossWindow:
    """The latest losses of one network; tells when its game has ended (paper section 3.3)."""

    def __init__(self, size: int, device: torch.device) -> None:
        self._losses = torch.zeros(size, device=device)
        self._count = 0

    def add(self, loss: Tensor) -> None:
        """Takes one more loss, a scalar that stays on its device."""
        self._losses[self._count % len(self._losses)] = loss
        self._count += 1

    def collapsed(self, threshold: float) -> bool:
        """Whether the window is full and its standard deviation lies below `threshold`."""
        full = self._count >= len(self._losses)
        return full and self._losses.std(correction=0).item() < threshold

    def clear(self) -> None:
        """Forgets all losses."""
        self._count = 0

    def state_dict(self) -> dict[str, Any]:
        """The losses and how many were ever taken."""
        return {"losses": self._losses, "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self._losses.copy_(state["losses"])
        self._count = state["count"]
