"""Times a controller's proposals, one at a time and in the blocks of shared training.

    python benchmarks/proposals.py

Prints milliseconds for each architecture, at every stage of the published space.
"""

import torch

from autogan.bench.measure import interleaved
from autogan.method.search import PROPOSED_AT_ONCE
from autogan.settings.sections import ControllerSettings
from autogan.spaces import search_space
from autogan.strategies.reinforce import Reinforce


def main() -> None:
    """One line for each stage."""
    strategy = Reinforce(search_space("autogan", 3), ControllerSettings(), seed=0)
    for stage in range(3):
        ways = {
            "alone": lambda: [strategy.propose(1) for _ in range(PROPOSED_AT_ONCE)],
            "in a block": lambda: strategy.propose(PROPOSED_AT_ONCE),
        }
        timings = interleaved(ways, torch.device("cpu"), seconds=2)
        each = {way: t.part(PROPOSED_AT_ONCE).median_ms for way, t in timings.items()}
        print(f"stage {stage}:", ", ".join(f"{way} {ms:.3f} ms" for way, ms in each.items()))
        if stage < 2:
            strategy.grow(list(dict.fromkeys(strategy.propose(100)))[:5])


if __name__ == "__main__":
    main()
