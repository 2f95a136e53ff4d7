"""A short game of a pair from the present shared weights, after which all is put back.

A discriminator makes no images, so nothing of its own can be scored. What it is worth is what a generator
learns from it: so the generator of a pair plays on against it for a few steps, its images are scored then,
and weights, moments, streams and batches go back to where they were. All pairs that are tried from one
state meet the same images and the same latents: they differ in the pair alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from autogan.gan.step import Gan
from autogan.method.game_batches import GameBatches
from autogan.runs.stopping import Stopping
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture


class Probe:
    """`options.probe_steps` generator steps, each with its discriminator steps.

    batches: where real images come from, those of the present stage.
    """

    batches: GameBatches

    def __init__(self, gan: Gan, options: SearchSettings, stopping: Stopping) -> None:
        self._gan = gan
        self._options = options
        self._stopping = stopping

    @contextmanager
    def after(self, architecture: Architecture) -> Iterator[None]:
        """Inside, the pair has played; afterwards all is as before, to the bit."""
        before = self.batches.state_dict()
        try:
            with self._gan.on_trial():
                for _ in range(self._options.probe_steps):
                    self._step(architecture)
                yield
        finally:
            self.batches.load_state_dict(before)

    def _step(self, architecture: Architecture) -> None:
        for _ in range(self._options.discriminator_steps):
            with self._stopping.at_once():  # asked to stop, between two steps
                batch = self.batches.next()
            self._gan.discriminator_step(batch, architecture)
        self._gan.generator_step(
            self._options.generator_batch, architecture, self.batches.next_for_generator()
        )
