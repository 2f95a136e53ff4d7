"""Random architectures of two spaces, trained for equal processor time: which space has the better median.

    OMP_NUM_THREADS=1 python benchmarks/spaces.py --data folder:fruit --seconds 60 --out spaces

Every architecture is drawn uniformly from its space, and trained from scratch with the preset's recipe for as
many steps as fit into the processor seconds of one thread; or, where a processor's speed changes from
minute to minute, into the time that --as-long-as steps of AutoGAN's A take, which is timed beside it. On a
GPU, say --steps. The spaces take turns. Scores are by the preset's judge and by a second one, which nothing
was chosen by. Results are appended to results.jsonl in --out, and what stands there is not done again.
Prints Markdown: medians with quartiles, and the two-sided Mann-Whitney test.
"""

import argparse
import json
import random
import shutil
import statistics
from pathlib import Path
from typing import Any

import torch
from recipes import fitting_steps, score_by_two_judges, steps_as_long_as

from autogan import train_architecture
from autogan.basics.randomness import derived_seed
from autogan.device.compute import gpu_name
from autogan.device.processor import processor_name
from autogan.settings.loading import load_settings
from autogan.spaces import search_space
from autogan.trials.significance import mann_whitney

SPACES = ("autogan", "modern")
LATER = {"frechet_distance": "lower", "recall": "higher", "precision": "higher"}


def measure(name: str, number: int, given: argparse.Namespace) -> dict[str, Any]:
    """Trains the architecture of this number, and scores it."""
    sets = [f"data.source={given.data}", *given.set, f"seed={number}", "judge.seed=0"]
    settings = load_settings(given.preset, overrides=[f"network.space={name}", *sets])
    stream = random.Random(derived_seed(number, f"benchmark/{name}"))
    architecture = search_space(name, settings.cells).sample(stream)
    steps = given.steps
    if given.as_long_as:
        of_a = load_settings(given.preset, overrides=["network.space=autogan", *sets])
        a = search_space("autogan", settings.cells).published()["autogan-a"]
        steps = steps_as_long_as(given.as_long_as, of_a, a, settings, architecture, given.out)
    steps = steps or fitting_steps(settings, architecture, given.seconds, given.out)
    schedule = {"generator_steps": steps, "validate_every_steps": max(1, steps // 2)}
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update=schedule)}, deep=True
    )
    folder = given.out / f"{name}-{number}"
    if folder.exists():
        shutil.rmtree(folder)  # of a training that was interrupted
    generator, results = train_architecture(architecture, settings, folder)
    row = {"space": name, "number": number, "architecture": str(architecture), "steps": steps}
    return row | score_by_two_judges(generator, results, settings)


def main() -> None:
    """Does what is not done yet, and prints all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", required=True, help="as data.source")
    parser.add_argument("--preset", default="own-32")
    parser.add_argument("--set", action="append", default=[], help="a setting for both spaces")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--as-long-as", type=int, help="steps of A, for --seconds")
    parser.add_argument("--steps", type=int, help="generator steps, for --seconds")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number to begin with")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "results.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    for number in range(given.first, given.first + given.count):
        for name in SPACES:
            if any((row["space"], row["number"]) == (name, number) for row in rows):
                continue
            rows.append(measure(name, number, given))
            with file.open("a") as lines:
                lines.write(json.dumps(rows[-1]) + "\n")
            print(json.dumps(rows[-1]), flush=True)
    device = gpu_name("auto") or processor_name()
    print(f"\n{device}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print("| judge | score | " + " | ".join(SPACES) + " | p |\n| --- | --- | --- | --- | --- |")
    for judge in ("judge", "second_judge"):
        for score, better in LATER.items():
            values = [[row[judge][score] for row in rows if row["space"] == s] for s in SPACES]
            cells = []
            for of_space in values:
                low, middle, high = statistics.quantiles(of_space, n=4)
                cells.append(f"{middle:.2f} ({low:.2f}–{high:.2f})")
            p = mann_whitney(*values)
            print(f"| {judge} | {score} ({better}) | {' | '.join(cells)} | {p:.3f} |")


if __name__ == "__main__":
    main()
