"""Compares strategies on landscapes whose optimum is known, and times their proposals.

    python benchmarks/strategies_on_toys.py

Every option of every decision is worth a standard normal number, an architecture the sum of its own
(`autogan.testing.AdditiveToy`). Regret is what the best architecture found so far lacks to the optimum;
the tables print its mean over the seeds, with the standard error. REINFORCE and gradient are not in it: the
first learns stage by stage on shared weights, the second from a loss and not from trials.
"""

import argparse
import random
import statistics
import time
from collections.abc import Sequence

from autogan.settings.sections import SearchSettings
from autogan.spaces import search_space
from autogan.spaces.space import SearchSpace
from autogan.strategies import make_strategy
from autogan.strategies.base import Rung, Strategy
from autogan.testing import AdditiveToy, search_toy

STRATEGIES = ("random", "evolution", "local-search", "tpe", "nsga2", "gp")
TRIALS = (50, 100, 200)
SLOW, SLOW_TRIALS = "gp", 100
"""A Gaussian process costs most of a second for each proposal: fewer seeds and trials."""


def make(name: str, space: SearchSpace, seed: int) -> Strategy:
    """A strategy with its default settings."""
    return make_strategy(SearchSettings.model_validate({"strategy": name}), space, seed)


def regrets(name: str, cells: int, seed: int, trials: int) -> list[float]:
    """After every trial: how far the best so far is from the optimum."""
    space = search_space("autogan", cells)
    toy = AdditiveToy(space, seed)
    history = search_toy(make(name, space, seed), toy, Rung(cells - 1, steps=1), trials)
    optimum, best, made = toy.optimum(cells), -float("inf"), []
    for observation in history:
        best = max(best, observation.values[0])
        made.append(optimum - best)
    return made


def regret_table(cells: int, names: Sequence[str], seeds: int, slow_seeds: int) -> None:
    """One line for each strategy."""
    decisions = len(search_space("autogan", cells).decisions)
    print(
        f"\n| {decisions} decisions | seeds | " + " | ".join(f"{n} trials" for n in TRIALS) + " |"
    )
    print("| --- " * (len(TRIALS) + 2) + "|")
    for name in names:
        slow = name == SLOW
        count, trials = (slow_seeds, SLOW_TRIALS) if slow else (seeds, max(TRIALS))
        made = [regrets(name, cells, seed, trials) for seed in range(count)]
        shown = [
            _mean_and_error([one[n - 1] for one in made]) if n <= trials else "–" for n in TRIALS
        ]
        print(f"| {name} | {count} | " + " | ".join(shown) + " |", flush=True)


def _mean_and_error(values: Sequence[float]) -> str:
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.2f} ± {error:.2f}"


def time_table(cells: int, names: Sequence[str], observations: Sequence[int]) -> None:
    """Milliseconds of one proposal after so many observations; the median of some."""
    space, rung = search_space("autogan", cells), Rung(cells - 1, steps=1)
    toy, stream = AdditiveToy(space, 0), random.Random(0)
    history = [toy.observed(space.sample(stream), rung, n) for n in range(max(observations))]
    decisions = len(space.decisions)
    print(f"\n| {decisions} decisions | " + " | ".join(f"after {n:,}" for n in observations) + " |")
    print("| --- " * (len(observations) + 1) + "|")
    for name in names:
        strategy = make(name, space, 0)
        strategy.propose(1, rung, history[:10])  # imports
        shown = []
        for number in observations:
            times = []
            for extra in range(3):
                began = time.perf_counter()
                strategy.propose(1, rung, history[: number - extra])
                times.append(1000 * (time.perf_counter() - began))
            shown.append(f"{statistics.median(times):.1f} ms")
        print(f"| {name} | " + " | ".join(shown) + " |", flush=True)


def main() -> None:
    """Prints all tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30, help="landscapes for each strategy")
    parser.add_argument("--slow-seeds", type=int, default=5, help="the same for gp")
    parser.add_argument("--cells", type=int, nargs="+", default=(3, 7), help="14 and 34 decisions")
    parser.add_argument("--only", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    chosen = parser.parse_args()
    for cells in chosen.cells:
        regret_table(cells, chosen.only, chosen.seeds, chosen.slow_seeds)
    for cells in chosen.cells:
        time_table(cells, chosen.only, (100, 1000))


if __name__ == "__main__":
    main()
