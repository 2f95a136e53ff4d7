"""What a search is worth: found, published and random architectures, trained alike, several seeds.

    python benchmarks/worth.py --config benchmarks/worth.yaml --data folder:cifar10-jpeg.tar.xz --out worth
    python benchmarks/worth.py --report worth/results.jsonl

The contestants are the published A, B and C, ten architectures drawn uniformly, and the winners of three
whole runs of the preset (search and derivation) with different seeds. Each is trained from scratch with the
preset's settings and three seeds. One contestant answers the question that users ask: A, trained for as many
steps as a whole run's search, derivation and training cost, in multiply-accumulates. Scores are by the
preset's judge and by a second one, which nothing was chosen by. Each training is a line of results.jsonl in
--out; what stands there is not done again, and several processes may share the work, each with contestants of
its own (--only). Prints Markdown: medians over the seeds, with the lowest and the highest, and of all
trainings of a kind; and whether found architectures are better than drawn ones by more than chance.
"""

import argparse
import itertools
import json
import random
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from agreement import lines_of
from recipes import score_by_two_judges, spread

from autogan import search_and_train, train_architecture
from autogan.basics.randomness import derived_seed
from autogan.device.compute import gpu_name
from autogan.device.processor import processor_name
from autogan.files.storage import write_json
from autogan.method.context import prepare
from autogan.progress.base import Cost, Progress
from autogan.runs.plan import Plan
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture

PUBLISHED = ("autogan-a", "autogan-b", "autogan-c")
RANDOM = tuple(f"random-{number}" for number in range(10))
FOUND = tuple(f"found-{number}" for number in range(3))
LONGER = "autogan-a, the time of a whole run"
CONTESTANTS = (*FOUND, *PUBLISHED, *RANDOM, LONGER)


def settings_of(given: argparse.Namespace, seed: int) -> Settings:
    """The preset's, with the seed; the judge is one for all seeds."""
    sets = [f"data.source={given.data}", *given.set, f"seed={seed}", "judge.seed=0"]
    return load_settings(given.preset, given.config, sets)


def contestant(name: str, given: argparse.Namespace) -> Architecture:
    """The architecture; of a found one that of a whole run, which is done once."""
    settings = settings_of(given, 0)
    kind, _, number = name.partition("-")
    if kind == "autogan":
        return Architecture.parse(name.partition(",")[0])
    if kind == "random":
        stream = random.Random(derived_seed(int(number), "benchmark/worth"))
        return search_space(settings.network.space, settings.cells).sample(stream)
    kept = given.out / f"{name}.json"
    if not kept.exists():
        folder = given.out / name
        if folder.exists():
            shutil.rmtree(folder)  # of a search that was interrupted
        generator, _ = search_and_train(settings_of(given, int(number)), folder)
        write_json(kept, {"architecture": str(generator.architecture)})
    return Architecture.parse(json.loads(kept.read_text())["architecture"])


def steps_of(name: str, settings: Settings) -> int:
    """The preset's generator steps, or those that cost as much as a whole run's search, derivation and
    training."""
    steps = settings.train.generator_steps
    if name != LONGER:
        return steps
    context = prepare(settings, Progress(), to_train=False)
    plan = Plan.of(settings, None, context.workload)
    chosen = [part for part in plan.parts if part in ("search", "derive", "train")]
    whole = sum(_total(plan.cost(part)) for part in chosen)
    return round(steps * whole / _total(context.workload.training(steps)))


def _total(costs: Sequence[Cost]) -> float:
    """Multiply-accumulates."""
    return sum(cost.work for cost in costs)


def measure(name: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Trains a contestant, and scores it by two judges."""
    settings = settings_of(given, seed)
    architecture = contestant(name, given)
    steps = steps_of(name, settings)
    schedule = {"generator_steps": steps, "validate_every_steps": steps}
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update=schedule)}, deep=True
    )
    folder = given.out / f"{name}-seed-{seed}".replace(",", "").replace(" ", "-")
    if folder.exists():
        shutil.rmtree(folder)  # of a training that was interrupted
    generator, results = train_architecture(architecture, settings, folder)
    row = {"contestant": name, "seed": seed, "architecture": str(architecture), "steps": steps}
    return row | score_by_two_judges(generator, results, settings)


def cells(rows: Sequence[dict[str, Any]]) -> str:
    """Median, lowest and highest of each score."""
    return " | ".join(
        spread(row[judge][score] for row in rows)
        for judge in ("judge", "second_judge")
        for score in ("frechet_distance", "recall")
    )


def report(rows: Sequence[dict[str, Any]]) -> None:
    """Prints Markdown: every contestant, then all trainings of each kind."""
    print("| contestant | architecture | steps | seeds | Fréchet distance ↓ | recall ↑ ", end="")
    print("| Fréchet distance, second judge | recall, second judge |\n" + "| --- " * 8 + "|")
    for name in CONTESTANTS:
        of = [row for row in rows if row["contestant"] == name]
        if of:
            described = f"{of[0]['architecture']} | {of[0]['steps']:,} | {len(of)}"
            print(f"| {name} | {described} | {cells(of)} |")
    kinds = {"found": FOUND, "published": PUBLISHED, "random": RANDOM}
    for kind, names in kinds.items():
        of = [row for row in rows if row["contestant"] in names]
        if of:
            print(f"| *all {kind}* | | | {len(of)} trainings | {cells(of)} |")
    for judge in ("judge", "second_judge"):
        found, drawn = (means(rows, names, judge) for names in (FOUND, RANDOM))
        if found and drawn:
            print(f"\n{judge}: found against random, p = {permutation_p(found, drawn):.3f}")


def means(rows: Sequence[dict[str, Any]], names: Sequence[str], judge: str) -> list[float]:
    """The mean distance over its seeds, of each contestant that was trained."""
    distances = [
        [row[judge]["frechet_distance"] for row in rows if row["contestant"] == name]
        for name in names
    ]
    return [statistics.fmean(of) for of in distances if of]


def permutation_p(found: Sequence[float], drawn: Sequence[float]) -> float:
    """How probable a mean as low as that of the found ones is, where as many of all are taken at random:
    the share of all ways of taking them (one-sided)."""
    every = itertools.combinations([*found, *drawn], len(found))
    low = [statistics.fmean(taken) <= statistics.fmean(found) + 1e-12 for taken in every]
    return statistics.fmean(low)


def main() -> None:
    """Does what is not done yet, and prints all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--report", type=Path, help="only prints what a file of results says")
    parser.add_argument("--data", help="as data.source")
    parser.add_argument("--preset", default="own-32")
    parser.add_argument("--config", type=Path, help="file of settings, over the preset's")
    parser.add_argument("--set", action="append", default=[], help="a setting for all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", action="append", choices=CONTESTANTS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.report:
        report(lines_of(given.report))
        return
    if not (given.data and given.out):
        parser.error("--data and --out are needed, or --report")
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "results.jsonl"
    rows = lines_of(file)
    for seed in given.seeds:
        for name in given.only or CONTESTANTS:
            if any((row["contestant"], row["seed"]) == (name, seed) for row in rows):
                continue
            rows.append(measure(name, seed, given))
            with file.open("a") as lines:
                lines.write(json.dumps(rows[-1]) + "\n")
            print(json.dumps(rows[-1]), flush=True)
    device = gpu_name("auto") or processor_name()
    print(f"\n{device}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    report(lines_of(file))


if __name__ == "__main__":
    main()
