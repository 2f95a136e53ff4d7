"""What a search is worth: found, published and random architectures, trained alike, several seeds.

    python benchmarks/worth.py --config benchmarks/worth.yaml --data folder:cifar10-jpeg.tar.xz --out worth
    python benchmarks/worth.py --report worth/results.jsonl

The contestants are the published A, B and C, ten architectures drawn uniformly, and the winners of three
whole runs of the preset (search and derivation) with different seeds. Each is trained from scratch with the
preset's settings and three seeds. Two more kinds answer the question that users ask. Whole runs: what each of
the three runs made itself, in all of its time. And A, C and the ten drawn, trained for that time: for as many
steps as a whole run's search, derivation and training cost, in multiply-accumulates. Scores are by the
preset's judge and by a second one, which nothing was chosen by. Each training is a line of results.jsonl in
--out; what stands there is not done again, and several processes may share the work, each with contestants of
its own (--only; found-0 and run-0 are of one run, and belong together). Prints Markdown: medians over the
seeds, with the lowest and the highest, and of all trainings of a kind; and whether found architectures are
better than drawn ones by more than chance.
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
from autogan.method.context import prepare
from autogan.progress.base import Cost, Progress
from autogan.runs.contents import read_results
from autogan.runs.plan import Plan
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator

PUBLISHED = ("autogan-a", "autogan-b", "autogan-c")
RANDOM = tuple(f"random-{number}" for number in range(10))
FOUND = tuple(f"found-{number}" for number in range(3))
WHOLE_RUNS = tuple(f"run-{number}" for number in range(3))
THE_TIME = ", the time of a whole run"
PUBLISHED_LONGER = (f"autogan-a{THE_TIME}", f"autogan-c{THE_TIME}")
RANDOM_LONGER = tuple(name + THE_TIME for name in RANDOM)
CONTESTANTS = (*FOUND, *PUBLISHED, *RANDOM, *WHOLE_RUNS, *PUBLISHED_LONGER, *RANDOM_LONGER)


def settings_of(given: argparse.Namespace, seed: int) -> Settings:
    """The preset's, with the seed; the judge is one for all seeds."""
    sets = [f"data.source={given.data}", *given.set, f"seed={seed}", "judge.seed=0"]
    return load_settings(given.preset, given.config, sets)


def contestant(name: str, given: argparse.Namespace) -> Architecture:
    """The architecture; of a found one that of a whole run, which is done once."""
    settings = settings_of(given, 0)
    name = name.removesuffix(THE_TIME)
    kind, _, number = name.partition("-")
    if kind == "autogan":
        return Architecture.parse(name)
    if kind == "random":
        stream = random.Random(derived_seed(int(number), "benchmark/worth"))
        return search_space(settings.network.space, settings.cells).sample(stream)
    results = read_results(whole_run(number, given))
    return Architecture.parse(results["architecture"])


def whole_run(number: str, given: argparse.Namespace) -> Path:
    """The folder of a run that has ended: search, derivation and training, with this seed."""
    folder: Path = given.out / f"found-{number}"
    if not (folder / "results.json").exists():
        if folder.exists():
            shutil.rmtree(folder)  # of a run that was interrupted
        search_and_train(settings_of(given, int(number)), folder)
    return folder


def steps_of(name: str, settings: Settings) -> int:
    """The preset's generator steps, or those that cost as much as a whole run's search, derivation and
    training."""
    steps = settings.train.generator_steps
    if not name.endswith(THE_TIME):
        return steps
    context = prepare(settings, Progress(), to_train=False)
    plan = Plan.of(settings, None, context.workload)
    chosen = [part for part in plan.parts if part not in ("data and judge", "evaluate")]
    whole = sum(_total(plan.cost(part)) for part in chosen)
    return round(steps * whole / _total(context.workload.training(steps)))


def _total(costs: Sequence[Cost]) -> float:
    """Multiply-accumulates."""
    return sum(cost.work for cost in costs)


def measure(name: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Trains a contestant, or takes what a whole run made, and scores it by two judges."""
    settings = settings_of(given, seed)
    kind, _, number = name.partition("-")
    if kind == "run":
        folder = whole_run(number, given)
        generator = load_generator(folder / "generator.safetensors").generator
        results = read_results(folder)
        trained = {"architecture": results["architecture"], "steps": settings.train.generator_steps}
        row = {"contestant": name, "seed": seed, **trained}
        return row | score_by_two_judges(generator, results, settings)
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
    kinds = {
        "found": FOUND,
        "published": PUBLISHED,
        "random": RANDOM,
        "whole runs": WHOLE_RUNS,
        f"random{THE_TIME}": RANDOM_LONGER,
    }
    for kind, names in kinds.items():
        of = [row for row in rows if row["contestant"] in names]
        if of:
            print(f"| *all {kind}* | | | {len(of)} trainings | {cells(of)} |")
    for better, worse in (("found", "random"), ("whole runs", f"random{THE_TIME}")):
        for judge in ("judge", "second_judge"):
            ours, theirs = (means(rows, kinds[kind], judge) for kind in (better, worse))
            if ours and theirs:
                described = f"{statistics.fmean(ours):.2f} against {statistics.fmean(theirs):.2f}"
                print(
                    f"\n{judge}: {better} against {worse}: mean distance {described}, "
                    f"p = {permutation_p(ours, theirs):.3f}"
                )


def means(rows: Sequence[dict[str, Any]], names: Sequence[str], judge: str) -> list[float]:
    """The mean distance over its seeds, of each contestant that was trained."""
    distances = [
        [row[judge]["frechet_distance"] for row in rows if row["contestant"] == name]
        for name in names
    ]
    return [statistics.fmean(of) for of in distances if of]


def permutation_p(found: Sequence[float], drawn: Sequence[float]) -> float:
    """How probable a mean as low as that of the found ones is, where as many of all are taken at random:
    the share of all ways of taking them (one-sided). Both need as many seeds each: whole runs have one."""
    every = itertools.combinations([*found, *drawn], len(found))
    low = [statistics.fmean(taken) <= statistics.fmean(found) + 1e-12 for taken in every]
    return statistics.fmean(low)


def main() -> None:
    """Does what is not done yet, and prints all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--report", type=Path, nargs="+", help="only prints what files of results say"
    )
    parser.add_argument("--data", help="as data.source")
    parser.add_argument("--preset", default="own-32")
    parser.add_argument("--config", type=Path, help="file of settings, over the preset's")
    parser.add_argument("--set", action="append", default=[], help="a setting for all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", action="append", choices=CONTESTANTS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.report:
        report([row for file in given.report for row in lines_of(file)])
        return
    if not (given.data and given.out):
        parser.error("--data and --out are needed, or --report")
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "results.jsonl"
    rows = lines_of(file)
    for seed in given.seeds:
        for name in given.only or CONTESTANTS:
            seeds = [row["seed"] for row in rows if row["contestant"] == name]
            if seed in seeds or (seeds and name in WHOLE_RUNS):  # a whole run has a seed of its own
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
