"""Times a controller's proposals, one at a time and in the blocks of shared training.

    python benchmarks/proposals.py

Prints milliseconds for each architecture, at every stage of the published space.
"""

import argparse
from functools import partial

import torch

from autogan.device.timing import interleaved
from autogan.method.search import PROPOSED_AT_ONCE
from autogan.settings.search import ControllerSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Observation, Rung, Strategy
from autogan.strategies.reinforce import Reinforce


def alone(strategy: Strategy, rung: Rung) -> None:
    """As many proposals as a block has, each asked for by itself."""
    for _ in range(PROPOSED_AT_ONCE):
        strategy.propose(1, rung, [])


def main() -> None:
    """One line for each stage."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    strategy = Reinforce(search_space("autogan", 3), ControllerSettings(), seed=0)
    promoted: tuple[Architecture, ...] = ()
    for stage in range(3):
        rung = Rung(stage, promoted=promoted)
        ways = {
            "alone": partial(alone, strategy, rung),
            "in a block": partial(strategy.propose, PROPOSED_AT_ONCE, rung, []),
        }
        timings = interleaved(ways, torch.device("cpu"), seconds=2)
        each = {way: t.part(PROPOSED_AT_ONCE).median_ms for way, t in timings.items()}
        print(f"stage {stage}:", ", ".join(f"{way} {ms:.3f} ms" for way, ms in each.items()))
        if stage < 2:
            scored = [Observation(a, rung, 0, (0.0,)) for a in strategy.propose(100, rung, [])]
            promoted = tuple(strategy.promote(rung, scored, 5))


if __name__ == "__main__":
    main()
