"""All randomness comes from named generators derived from (seed, purpose)."""

import hashlib

import torch


def derived_seed(seed: int, purpose: str) -> int:
    """A 63-bit seed for one purpose: streams of different purposes are independent.

    (Of it PyTorch's generator of the CPU takes the lowest 32 bits.)
    """
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def torch_generator(seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator for one purpose."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose))
