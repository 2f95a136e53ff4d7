"""Whether two judges put the same generators into one order, from rows of recipes.py, worth.py or spaces.py.

    python benchmarks/judges_agree.py benchmarks/results/worth_*.jsonl benchmarks/results/spaces_*.jsonl

Prints Kendall's tau between the judge that a run had and the second one, which nothing was chosen by, for
Fréchet distance and recall, one line for each file. Rows of one file must be of the same images and judges.
"""

import argparse
import json
from pathlib import Path

from autogan.trials.rank_correlation import kendall

SCORES = ("frechet_distance", "recall")


def main() -> None:
    """Reads the files and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    print("| rows | generators | " + " | ".join(f"tau, {score}" for score in SCORES) + " |")
    print("| --- | --- |" + " --- |" * len(SCORES))
    for file in given.files:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        judged = [[row[judge] for row in rows] for judge in ("judge", "second_judge")]
        taus = [kendall(*([scores[s] for scores in by] for by in judged)) for s in SCORES]
        print(f"| {file.stem} | {len(rows)} | " + " | ".join(f"{tau:.2f}" for tau in taus) + " |")


if __name__ == "__main__":
    main()
