"""Does a table of trained generators say the same when it is collected on another machine?

    python benchmarks/two_machines.py benchmarks/tables/on-a-processor.sqlite3

Prints Markdown: of all trainings that this table and GAN-Bench-2592 (or --table) share, with the same
architecture and seed, the mean scores on test latents at the highest rung, the mean difference with its
standard error, and Kendall's τ. Then the seconds of the trainings in both.
"""

import argparse
from pathlib import Path

import numpy as np

from autogan.trials.rank_correlation import kendall
from autogan.trials.table import Table
from autogan.trials.table_file import GAN_BENCH

COMPARED = ("frechet_distance", "inception_score", "recall", "precision")


def main() -> None:
    """Prints the comparison."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("other", type=Path, help="a table of the same recipe")
    options.add_argument("--table", type=Path, default=GAN_BENCH)
    given = options.parse_args()
    tables = [Table.open(given.other), Table.open(given.table)]
    trained = [{(r.architecture, r.seed): r for r in t.records if r.rungs} for t in tables]
    shared = [key for key in trained[0] if key in trained[1]]
    names = " | ".join(table.name for table in tables)
    print(f"{len(shared)} trainings\n\n| score | {names} | difference | τ |\n{'| --- ' * 5}|")
    for score in COMPARED:
        one, other = (
            np.array([getattr(of[key].rungs[-1].test, score) for key in shared]) for of in trained
        )
        error = (one - other).std(ddof=1) / len(shared) ** 0.5
        print(
            f"| {score} | {one.mean():.3f} | {other.mean():.3f} "
            f"| {(one - other).mean():.3f} ± {error:.3f} | {kendall(one, other):.2f} |"
        )
    print()
    for table, of in zip(tables, trained, strict=True):
        seconds = [record.seconds for record in of.values()]
        low, high = np.quantile(seconds, (0.025, 0.975))
        print(
            f"{table.name}: {np.mean(seconds):.1f} s a training, 95 of 100 {low:.1f} to {high:.1f}"
        )


if __name__ == "__main__":
    main()
