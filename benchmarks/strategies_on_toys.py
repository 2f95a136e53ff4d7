"""Compares strategies on landscapes whose optimum is known, and times their proposals.

    python benchmarks/strategies_on_toys.py

Every option of every decision is worth a standard normal number, an architecture the sum of its own
(`autogan.testing.AdditiveToy`). Regret is what the best architecture found so far lacks to the optimum;
the tables print its mean over the seeds, with the standard error. All strategies have their default settings.
The gradient strategy is not in it: it learns from a loss and not from trials.
"""

import argparse
import random
import statistics
import time
from collections.abc import Sequence

from autogan.settings.search import SearchSettings
from autogan.spaces import search_space
from autogan.spaces.space import SearchSpace
from autogan.strategies import make_strategy
from autogan.strategies.base import Rung, Strategy
from autogan.testing import AdditiveToy, search_toy

STRATEGIES = ("random", "reinforce", "evolution", "local-search", "tpe", "nsga2", "gp")
TRIALS = (50, 100, 200)
SLOW_SEEDS, SLOW_TRIALS = 5, 100
"""Of gp, whose proposals cost most of a second: fewer seeds and trials."""


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


def regret_table(cells: int, names: Sequence[str], seeds: int, trials: Sequence[int]) -> None:
    """One line for each strategy."""
    decisions = len(search_space("autogan", cells).decisions)
    print(
        f"\n| {decisions} decisions | seeds | " + " | ".join(f"{n} trials" for n in trials) + " |"
    )
    print("| --- " * (len(trials) + 2) + "|", flush=True)
    for name in names:
        count, most = seeds, max(trials)
        if name == "gp":
            count, most = min(seeds, SLOW_SEEDS), min(most, SLOW_TRIALS)
        made = [regrets(name, cells, seed, most) for seed in range(count)]
        shown = [
            _mean_and_error([one[n - 1] for one in made]) if n <= most else "–" for n in trials
        ]
        print(f"| {name} | {count} | " + " | ".join(shown) + " |", flush=True)


def _mean_and_error(values: Sequence[float]) -> str:
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.2f} ± {error:.2f}"


def time_table(cells: int, names: Sequence[str], observations: Sequence[int]) -> None:
    """Milliseconds of processor time of one proposal after so many observations; the median of three."""
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
                began = time.process_time()
                strategy.propose(1, rung, history[: number - extra])
                times.append(1000 * (time.process_time() - began))
            shown.append(f"{statistics.median(times):.1f} ms")
        print(f"| {name} | " + " | ".join(shown) + " |", flush=True)


def main() -> None:
    """Prints all tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30, help="landscapes for each strategy")
    parser.add_argument("--trials", type=int, nargs="+", default=TRIALS, help="where to look")
    parser.add_argument("--cells", type=int, nargs="+", default=(3, 7), help="14 and 34 decisions")
    parser.add_argument("--times", action="store_true", help="only the times of proposals")
    parser.add_argument("--only", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    chosen = parser.parse_args()
    for cells in () if chosen.times else chosen.cells:
        regret_table(cells, chosen.only, chosen.seeds, chosen.trials)
    for cells in chosen.cells:
        time_table(cells, chosen.only, (100, 1000))


if __name__ == "__main__":
    main()
