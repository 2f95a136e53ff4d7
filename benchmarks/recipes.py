"""What ingredients of a training are worth at equal processor time: recipes side by side, several seeds.

    OMP_NUM_THREADS=1 python benchmarks/recipes.py --data folder:fruit --seconds 600 --out recipes

Every recipe is a preset with some settings changed: all of `RECIPES`, or --only NAME. They share widths,
batches and rates, which --set changes for all of them. "as the preset" changes nothing. One and the same
architecture is trained from scratch with each, for as many steps as fit into the processor seconds of one
thread: a few steps are timed first. Where a processor's speed changes from minute to minute, say --as-long-as
instead, for the time that so many steps of the plain recipe take: both are timed in turn. On a GPU, say
--steps. Results are appended to results.jsonl in --out, and what stands there is not done again. Scores are
by the preset's judge and by a second one, which nothing was chosen by: of another width and seed. Prints
Markdown: medians over the seeds, with the lowest and the highest.
"""

import argparse
import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from autogan import Architecture, Generator, train_architecture
from autogan.device.compute import gpu_name
from autogan.device.processor import processor_name
from autogan.method.context import prepare
from autogan.method.evaluate import evaluate
from autogan.method.train import Training
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.spaces import search_space

PLAIN = [
    "network.conditional=never",
    "train.objective.loss=hinge",
    "train.objective.spectral_norm=true",
    "train.objective.real_penalty=0",
    "train.objective.generated_penalty=0",
    "train.objective.penalty_every_steps=1",
]
"""Hinge loss, spectral norm, no labels, as version 0.1.0 and the paper train."""
LABELS = ["network.conditional=auto"]
AUGMENTATION = ["train.augmentation=[colour,shift,cutout]"]
ADAPTIVE = [
    *AUGMENTATION,
    "train.augmentation_probability=adaptive",
    "train.augmentation_images=30000",
]
UNNORMALISED = "train.objective.spectral_norm=false"


def penalised(loss: str, real: float, generated: float, every: int) -> list[str]:
    """A loss with R1 and R2, every so many discriminator steps, instead of spectral norm."""
    return [
        f"train.objective.loss={loss}",
        f"train.objective.real_penalty={real}",
        f"train.objective.generated_penalty={generated}",
        f"train.objective.penalty_every_steps={every}",
        UNNORMALISED,
    ]


WEAK = penalised("relativistic-pairing", 0.1, 0.1, 4)
STRONG = penalised("relativistic-pairing", 1, 1, 4)

CHANGES: dict[str, list[str]] = {
    "hinge": [],
    "hinge, augmentation": AUGMENTATION,
    "hinge, adaptive augmentation": ADAPTIVE,
    "hinge, mirrored": ["train.mirror=true"],
    "hinge, LeCam 0.3": [
        "train.objective.lecam_penalty=0.3",
        "train.objective.lecam_from_step=200",
    ],
    "hinge, SAN": ["train.objective.direction_head=true"],
    "hinge, top-k": ["train.objective.top_share=0.5", "train.objective.top_share_steps=400"],
    "hinge, cosine": ["train.schedule.learning_rate=cosine"],
    "hinge, labels": LABELS,
    "hinge, labels, augmentation": LABELS + AUGMENTATION,
    "logistic, R1 1": penalised("non-saturating", 1, 0, 4),
    "relativistic average": ["train.objective.loss=relativistic-average"],
    "pairing, R1 + R2 0.1": WEAK,
    "pairing, R1 + R2 1": STRONG,
    "labels, logistic, R1 1": LABELS + penalised("non-saturating", 1, 0, 4),
    "labels, pairing, R1 + R2 0.1": LABELS + WEAK,
    "labels, pairing, R1 + R2 1": LABELS + STRONG,
    "labels, pairing, R1 + R2 1, adaptive augmentation": LABELS + STRONG + ADAPTIVE,
}
"""Settings that each changes in the preset with `PLAIN`."""
NOTHING: dict[str, list[str]] = {"as the preset": []}
RECIPES = NOTHING | {name: PLAIN + changes for name, changes in CHANGES.items()}
WARM_UP_STEPS, TIMED_ROUNDS = 8, 9
SECOND_JUDGE_SEED = 1_000_003
SCORES = ("frechet_distance", "precision", "recall", "least_class_share")


@contextmanager
def stepping(
    settings: Settings, architecture: Architecture, out: Path
) -> Iterator[Callable[[], float]]:
    """A training of which each call makes one round of penalties: processor seconds of a step."""
    every = settings.train.objective.penalty_every_steps
    with tempfile.TemporaryDirectory(dir=out) as folder:
        run = Run.create(Path(folder) / "probe", settings)
        context = prepare(settings, Progress(), task=Task("train", str(architecture)))
        training = Training(architecture, 10**6, "probe", context, run, Progress())

        def round_of_steps() -> float:
            began = time.process_time()
            for _ in range(every):
                training.step()
            return (time.process_time() - began) / every

        for _ in range(math.ceil(WARM_UP_STEPS / every)):
            round_of_steps()
        yield round_of_steps
        run.close()


def fitting_steps(settings: Settings, architecture: Architecture, seconds: float, out: Path) -> int:
    """Generator steps that fit into so many processor seconds, with their validations left out."""
    with stepping(settings, architecture, out) as round_of_steps:
        taken = [round_of_steps() for _ in range(TIMED_ROUNDS)]
    return max(1, round(seconds / statistics.fmean(taken)))


def steps_as_long_as(
    steps: int,
    of_reference: Settings,
    reference: Architecture,
    settings: Settings,
    architecture: Architecture,
    out: Path,
) -> int:
    """Generator steps that take as long as so many of a reference. The two take turns, so that a
    processor's speed, which may change in between, counts for both."""
    if (of_reference, reference) == (settings, architecture):
        return steps
    with (
        stepping(of_reference, reference, out) as of_reference_step,
        stepping(settings, architecture, out) as of_step,
    ):
        ratios = [of_reference_step() / of_step() for _ in range(TIMED_ROUNDS)]
    return max(1, round(steps * statistics.median(ratios)))


def scores_of(scores: dict[str, Any]) -> dict[str, float | None]:
    """Those of `SCORES`."""
    shares = scores["class_shares"]
    named = {name: scores[name] for name in SCORES[:-1]}
    return {**named, "least_class_share": min(shares) if shares else None}


def measure(
    name: str, seed: int, changes: list[str], given: argparse.Namespace, out: Path
) -> dict[str, Any]:
    """Trains by a recipe and scores the generator twice."""
    common = [f"data.source={given.data}", *given.set, f"seed={seed}", "judge.seed=0"]
    plain, settings = (
        load_settings(given.preset, overrides=[*common, *changes]) for changes in (PLAIN, changes)
    )
    architecture = search_space("autogan", settings.cells).published().get(given.architecture)
    architecture = architecture or Architecture.parse(given.architecture)
    steps = given.steps
    if given.as_long_as:
        steps = steps_as_long_as(given.as_long_as, plain, architecture, settings, architecture, out)
    steps = steps or fitting_steps(settings, architecture, given.seconds, out)
    validate = {"generator_steps": steps, "validate_every_steps": max(1, steps // 4)}
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update=validate)}, deep=True
    )
    folder = out / f"{name}-{seed}".replace(" ", "-").replace(",", "").replace("+", "and")
    if folder.exists():
        shutil.rmtree(folder)  # of a training that was interrupted: it is not in the results
    began = time.process_time()
    generator, results = train_architecture(architecture, settings, folder)
    seconds = time.process_time() - began
    row = {"recipe": name, "seed": seed, "steps": steps, "processor_seconds": round(seconds)}
    return row | score_by_two_judges(generator, results, settings)


def score_by_two_judges(
    generator: Generator, results: dict[str, Any], settings: Settings
) -> dict[str, Any]:
    """Scores of a generator, and of real images: those of its run, by the preset's judge, and those of a
    judge of another width and seed. Both are the same for all seeds, so that scores compare.
    """
    width = 24 if settings.judge.width != 24 else 16
    of_judge = settings.judge.model_copy(update={"width": width, "seed": SECOND_JUDGE_SEED})
    settings = settings.model_copy(update={"judge": of_judge})
    context = prepare(settings, Progress(), to_train=False)
    second = evaluate(generator, context, Progress()).to_dict()
    return {
        f"{judge}{suffix}": scores_of(evaluation[part])
        for judge, evaluation in {"judge": results, "second_judge": second}.items()
        for suffix, part in {"": "scores", "_floor": "floor"}.items()
    }


def spread(values: Iterable[float | None]) -> str:
    """Median, with the lowest and the highest."""
    given = [value for value in values if value is not None]
    if not given:
        return "–"
    return f"{statistics.median(given):.2f} ({min(given):.2f}–{max(given):.2f})"


def main() -> None:
    """Does what is not done yet, and prints all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", required=True, help="as data.source")
    parser.add_argument("--preset", default="own-32")
    parser.add_argument("--set", action="append", default=[], help="a setting for all recipes")
    parser.add_argument("--architecture", default="autogan-a")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--as-long-as", type=int, help="steps of the plain recipe, for --seconds")
    parser.add_argument("--steps", type=int, help="generator steps, for --seconds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", action="append", choices=list(RECIPES))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "results.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    recipes = {name: RECIPES[name] for name in given.only or RECIPES}
    for seed in given.seeds:
        for name, changes in recipes.items():
            if any(row["recipe"] == name and row["seed"] == seed for row in done):
                continue
            row = measure(name, seed, changes, given, given.out)
            done.append(row)
            with file.open("a") as lines:
                lines.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    device = gpu_name("auto") or processor_name()
    print(f"\n{device}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print(
        "| recipe | seeds | steps | Fréchet distance | precision | recall | least class share |",
        end="",
    )
    print(" Fréchet distance, second judge | recall, second judge |\n" + "| --- " * 9 + "|")
    for name in dict.fromkeys(row["recipe"] for row in done):
        rows = [row for row in done if row["recipe"] == name]
        cells = [spread(row["judge"][score] for row in rows) for score in SCORES]
        cells += [
            spread(row["second_judge"][score] for row in rows)
            for score in ("frechet_distance", "recall")
        ]
        steps = statistics.median(row["steps"] for row in rows)
        print(f"| {name} | {len(rows)} | {steps:,.0f} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
