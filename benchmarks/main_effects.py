"""Which decisions matter in a table of trained generators, each alone.

    python benchmarks/main_effects.py --score frechet_distance

Prints Markdown: for every decision the share of the variance between architectures that it explains alone
(the rest is of combinations and of luck), and the mean score of each option. The table is GAN-Bench-2592, or
--table.
"""

import argparse
from pathlib import Path

import numpy as np

from autogan.trials.table import Table
from autogan.trials.table_file import GAN_BENCH
from autogan.trials.table_values import SCORES, ScoreName


def effects(table: Table, score: ScoreName) -> list[tuple[str, float, dict[str, float]]]:
    """Of each decision: its name, its share of the variance, and the mean score of each of its options."""
    known = [
        (a, value) for a in table.architectures if (value := table.score(a, score)) is not None
    ]
    values = np.array([value for _, value in known])
    found = []
    for decision in table.space.decisions:
        taken = np.array(
            [str(a.taken[decision.place.number][_position(table, decision)]) for a, _ in known]
        )
        means = {option: values[taken == option].mean() for option in map(str, decision.options)}
        between = sum((taken == o).sum() * (m - values.mean()) ** 2 for o, m in means.items())
        share = between / ((values - values.mean()) ** 2).sum()
        found.append((f"{decision.place} {decision.name}", float(share), means))
    return sorted(found, key=lambda effect: -effect[1])


def _position(table: Table, decision: object) -> int:
    """A decision's place among those of its cell."""
    stage = next(s for s in table.space.by_stage if decision in s)
    return stage.index(decision)


def main() -> None:
    """Prints the effects."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--table", type=Path, default=GAN_BENCH)
    options.add_argument("--score", default="frechet_distance", choices=SCORES)
    given = options.parse_args()
    print(
        f"| decision | share of the variance | mean {given.score} of each option |\n| --- | --- | --- |"
    )
    for name, share, means in effects(Table.open(given.table), given.score):
        told = ", ".join(f"{option} {mean:.3g}" for option, mean in means.items())
        print(f"| {name} | {100 * share:.0f} % | {told} |")


if __name__ == "__main__":
    main()
