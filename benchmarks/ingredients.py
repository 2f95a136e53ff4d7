"""What each recipe is worth beside the first one, over several sets of images, from rows of recipes.py.

    python benchmarks/ingredients.py benchmarks/results/ingredients_*.jsonl

Distances of two sets do not compare, but ratios do: a cell is a recipe's score divided by that of the plain
recipe with the same seed, by the judge of the run: the median over the seeds. Bold is what every seed says is
better, by either judge. With three seeds luck alone does that once in eight to 64 times, as far as the two
judges agree. Prints two Markdown tables, of Fréchet distance and of recall; their first rows are scores
themselves, medians.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

PLAIN = "hinge"
LOWER_IS_BETTER = {"frechet_distance": True, "recall": False}
JUDGES = ("judge", "second_judge")

Rows = dict[tuple[str, int], dict[str, Any]]
"""Rows by recipe and seed."""


def cell(rows: Rows, recipe: str, score: str) -> str:
    """Median of the ratios, bold where all seeds and both judges are on the better side; "–" without rows."""
    seeds = sorted(seed for name, seed in rows if name == recipe)
    if not seeds:
        return "–"
    ratios = {
        judge: [
            rows[recipe, seed][judge][score] / rows[PLAIN, seed][judge][score] for seed in seeds
        ]
        for judge in JUDGES
    }
    better = all(
        (ratio < 1) == LOWER_IS_BETTER[score] and ratio != 1
        for of_judge in ratios.values()
        for ratio in of_judge
    )
    told = f"{statistics.median(ratios[JUDGES[0]]):.2f}"
    return f"**{told}**" if better else told


def main() -> None:
    """Reads the files and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    sets: dict[str, Rows] = {}
    for file in given.files:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        sets[file.stem] = {(row["recipe"], row["seed"]): row for row in rows}
    recipes = dict.fromkeys(name for rows in sets.values() for name, _ in rows if name != PLAIN)
    for score in LOWER_IS_BETTER:
        print(f"\n| {score} ÷ that of {PLAIN} | " + " | ".join(sets) + " |")
        print("| --- |" + " --- |" * len(sets))
        plain = [
            statistics.median(
                row["judge"][score] for (name, _), row in rows.items() if name == PLAIN
            )
            for rows in sets.values()
        ]
        print(f"| *{PLAIN}* | " + " | ".join(f"*{value:.2f}*" for value in plain) + " |")
        for recipe in recipes:
            cells = [cell(rows, recipe, score) for rows in sets.values()]
            print(f"| {recipe} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
