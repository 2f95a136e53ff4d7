"""Protocols by name: how many images, and which real ones, a published score was made with.

Plain values, no torch. Scores compare only under one protocol and one judge.
"""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Protocol:
    """How the final scores of a generator are made."""

    name: str
    images: int
    """Generated images."""
    inception_splits: int = 10
    real: Literal["training", "held-out"] = "training"
    """The real images that Fréchet and kernel distance, precision and recall compare with."""
    real_images: int | None = None
    """How many of these; None: all. Where there are fewer held-out images than this, so many of the
    training images are taken instead."""


CUSTOM = "custom"
"""Of a run that says itself how many images: evaluate.images and evaluate.inception_splits decide."""

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        # Gong et al. 2019, section 4: as for WGAN-GP and Progressive GAN.
        Protocol("autogan-paper", images=50_000),
        # Miyato et al. 2018, appendix B.1: "over 10000 and 5000 samples".
        Protocol("sngan", images=5000, real="held-out", real_images=10_000),
        # The fewest images that give all scores by the Inception judge.
        Protocol("quick", images=5000),
    )
}


def protocol_of(name: str, images: int, inception_splits: int) -> Protocol:
    """The protocol of that name; for `CUSTOM` one with these numbers and all training images."""
    return PROTOCOLS.get(name) or Protocol(CUSTOM, images, inception_splits)


def protocol_changes(name: str) -> dict[str, Any]:
    """What puts a named protocol in the place of another, as a tree of settings."""
    changes: dict[str, Any] = {"protocol": name}
    if name in PROTOCOLS:
        named = PROTOCOLS[name]
        changes |= {"images": named.images, "inception_splits": named.inception_splits}
    return {"evaluate": changes}
