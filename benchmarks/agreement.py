"""Do rewards under shared weights order architectures as trainings from scratch do?

    python benchmarks/agreement.py --data folder:cifar10-jpeg.tar.xz --out agreement.jsonl

By default the table is GAN-Bench-2592. Shared generators of the same space, widths,
images and judge are trained with uniformly drawn paths; at several times 64 architectures are scored by them.
Every score is a line of the file that --out names; the same command goes on where it stopped, and several
processes may share the work (--only, --seeds). Prints Markdown at the end: Kendall's τ with the table's mean
over seeds, with intervals by drawing architectures anew, beside what any proxy is measured by: τ of two seeds
of the table with each other, of a short training, of parameters and of multiply-accumulates. The judge is of
the table's recipe; one that is trained here is not the table's own, whose rewards stand in
results/agreement.jsonl. So collect what you compare into one file, on one machine.
"""

import argparse
import itertools
import json
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import autogan.method.search
from autogan.basics.randomness import torch_generator
from autogan.gan.generation import SCORING_BATCH, generate
from autogan.judges import FeatureStatistics, frechet_distance, inception_score
from autogan.method.context import Context, prepare
from autogan.method.search import Search
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies import make_strategy
from autogan.strategies.base import Observation, Rung, Strategy
from autogan.strategies.uniform import UniformRandom
from autogan.trials.rank_correlation import kendall
from autogan.trials.surrogate import Surrogate
from autogan.trials.table import Table
from autogan.trials.table_file import GAN_BENCH, members_in_order
from autogan.trials.table_values import HIGHER_IS_BETTER, SCORES, TrainingRecord

SEEDS = (0, 1, 2)
ARCHITECTURES = 64
"""The first so many in the order in which the table is collected: a fair sample of the space."""
IMAGES = 1000
"""That an architecture is scored by."""
SHARED_STEPS = 800
"""Discriminator steps from one scoring to the next."""
SCORINGS = 4
ALL_FIRST_CELLS = 36
DRAWS = 2000
SURROGATES = (50, 200, 1000)
RATES = ("search.learning_rate=0.001", "search.betas=[0.0,0.99]")
"""Of the table's trainings, and of the presets for small machines."""
HINGE, OWN = "hinge, 1 step of D", "the table's own objective, 1 step of D"
EQUALLY = f"{OWN}, every option equally often"
HINGE_SETTINGS = ("search.objective.loss=hinge", "search.discriminator_steps=1")
OWN_SETTINGS = (
    "search.objective.loss=relativistic-pairing",
    "search.objective.spectral_norm=false",
    "search.objective.real_penalty=1.0",
    "search.objective.generated_penalty=1.0",
    "search.objective.penalty_every_steps=4",
    "search.discriminator_steps=1",
    *RATES,
)
VARIANTS = {
    "the paper's game: hinge, 5 steps of D, learning rate 0.0002": (
        "search.objective.loss=hinge",
        "search.discriminator_steps=5",
        "search.generator_batch=64",
    ),
    f"{HINGE}, learning rate 0.0002": HINGE_SETTINGS,
    HINGE: (*HINGE_SETTINGS, *RATES),
    OWN: OWN_SETTINGS,
    EQUALLY: OWN_SETTINGS,
}
"""Ways to train the shared weights, as settings; hinge has spectral norm."""


def shared_settings(variant: str, data: str) -> list[str]:
    """The preset's settings with a search whose second stage draws from the whole space."""
    return [
        f"data.source={data}",
        *("search.strategy=random", "search.shared_epochs=null", "search.controller_steps=1"),
        *(f"search.shared_steps={SHARED_STEPS}", f"search.iterations={SCORINGS + 1}"),
        *(f"search.stage_weights=[1,{SCORINGS}]", f"search.reward_images={IMAGES}"),
        *(f"search.beams={ALL_FIRST_CELLS}", f"search.candidates={ALL_FIRST_CELLS}"),
        *("search.generator_channels=16", "search.discriminator_channels=16"),
        *("search.generator_batch=32", "search.discriminator_batch=32"),
        *VARIANTS[variant],
    ]


class EquallyOften(UniformRandom):
    """Trains every option of a decision, and every beam, equally often (arXiv 1907.01845), in orders of their
    own."""

    def propose_for_training(
        self, count: int, rung: Rung, history: Sequence[Observation], stream: random.Random
    ) -> list[Architecture]:
        """As `Strategy.propose_for_training`."""
        beams = equally(self.beams or [None], count, stream)
        decisions = self.space.at_stage(rung.stage)
        codes = [equally(range(len(d.options)), count, stream) for d in decisions]
        return [self.space.extend(b, list(c)) for b, *c in zip(beams, *codes, strict=True)]


def equally(options: Sequence[Any], count: int, stream: random.Random) -> list[Any]:
    """`count` of these, each as often as every other, give or take one."""
    drawn: list[Any] = []
    while len(drawn) < count:
        drawn += stream.sample(list(options), len(options))
    return drawn[:count]


def make_equally_often(options: SearchSettings, space: SearchSpace, seed: int) -> Strategy:
    """As `make_strategy`."""
    return EquallyOften(space, seed)


def rewards(search: Search, context: Context, architecture: Architecture) -> dict[str, float]:
    """Inception score and negative Fréchet distance of the same images, with an architecture's own
    batch statistics and with the shared running ones."""
    found = {}
    for statistics_of, own in (("own", True), ("running", False)):
        stream = torch_generator(0, "agreement/latents")
        judgement = context.judge.judge_all(
            generate(
                search.gan.generator,
                search.gan.generator.project.weight.new_empty(
                    SCORING_BATCH, search.gan.generator.latent_size
                ).normal_(generator=stream),
                context.compute,
                architecture,
                batch_statistics=own,
            )
            for _ in range(IMAGES // SCORING_BATCH)
        )
        distance = frechet_distance(
            FeatureStatistics.from_features(judgement.features), context.reference.statistics
        )
        found[f"inception score, {statistics_of} statistics"] = inception_score(
            judgement.probabilities, 5
        ).mean
        found[f"Fréchet distance, {statistics_of} statistics"] = -distance
    return found


def collect(
    table: Table, data: str, out: Path, variants: Iterable[str], seeds: Iterable[int]
) -> None:
    """Trains the shared generators that the file has no scores of, and adds these."""
    architectures = members_in_order(table.space)[:ARCHITECTURES]
    there = {(line["variant"], line["seed"]) for line in lines_of(out)}
    for variant, seed in itertools.product(variants, seeds):
        if (variant, seed) in there:
            continue
        settings = load_settings("table-16", overrides=shared_settings(variant, data))
        maker = make_equally_often if variant == EQUALLY else make_strategy
        lines: list[dict[str, Any]] = []
        of = {"variant": variant, "seed": seed}
        with tempfile.TemporaryDirectory() as folder:
            run = Run.create(Path(folder) / "run", settings, Task("search"))
            context = prepare(settings, Progress(), run=run)
            seeded = context.settings.model_copy(update={"seed": seed})
            with mock.patch.object(autogan.method.search, "make_strategy", maker):
                search = Search(replace(context, settings=seeded), run, Progress())
            while not search.done:
                ended_an_iteration = search.step()
                if ended_an_iteration and search.stage == 1 and search.iteration == 1:
                    # All first cells, as they were scored to become the beams, at 8×8.
                    lines += [
                        {**of, "cell": str(child.architecture), "reward": child.reward}
                        for child in search.beams[0]
                    ]
                if ended_an_iteration and search.stage == 1 and search.iteration > 1:
                    lines += [
                        {
                            **of,
                            "steps": search.steps,
                            "architecture": str(architecture),
                            **rewards(search, context, architecture),
                        }
                        for architecture in architectures
                    ]
                    print(f"{variant}, seed {seed}: {search.steps} steps", flush=True)
            run.close()
        with out.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)


def lines_of(out: Path) -> list[dict]:
    """What the file holds so far."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def interval(first: Sequence[float], second: Sequence[float]) -> str:
    """τ, and where it lies in 95 of 100 draws of as many architectures."""
    stream = np.random.default_rng(0)
    first, second = np.asarray(first), np.asarray(second)
    drawn = [
        kendall(first[chosen], second[chosen])
        for chosen in (stream.integers(len(first), size=len(first)) for _ in range(DRAWS))
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{kendall(first, second):.2f} | {low:.2f} to {high:.2f}"


def spread(taus: Sequence[float]) -> str:
    """Their mean, lowest and highest."""
    return f"{statistics.fmean(taus):.2f} ({min(taus):.2f} to {max(taus):.2f})"


def gain(record: TrainingRecord, score: str, rung: int = -1) -> float:
    """A score on test latents, turned so that higher is better."""
    value = getattr(record.rungs[rung].test, score)
    return value if score in HIGHER_IS_BETTER else -value


def _gain_of(table: Table, architecture: Architecture, score: str) -> float | None:
    """Of its training with seed 0; None where that diverged."""
    record = table.query(architecture, 0)
    return gain(record, score) if record.state == "complete" else None


def truth_of(table: Table, score: str) -> dict[Architecture, float]:
    """The score at the highest rung, the mean over an architecture's seeds; the diverged count as the
    worst."""
    gains = {a: [] for a in table.architectures}
    for record in table.records:
        complete = record.state == "complete"
        gains[record.architecture].append(gain(record, score) if complete else None)
    worst = min(v for of in gains.values() for v in of if v is not None)
    return {a: statistics.fmean(worst if v is None else v for v in of) for a, of in gains.items()}


def report(table: Table, lines: Sequence[dict], score: str) -> None:
    """Prints the table of agreements."""
    scored = set(members_in_order(table.space)[:ARCHITECTURES])
    truth = {a: value for a, value in truth_of(table, score).items() if a in scored}
    seeds = sorted({len(table.seeds(a)) for a in truth})
    print(
        f"{len(truth)} architectures of {table.name}, means of the {score} over {seeds} seed(s); ",
        end="",
    )
    print(f"{IMAGES:,} images a score\n")
    print(
        "| what orders the architectures | τ of one shared generator | τ of the mean of all ",
        end="",
    )
    print("| 95 of 100 draws | τ of two of them |\n| --- | --- | --- | --- | --- |")

    def row(
        name: str,
        said: dict[Architecture, float],
        generators: Sequence[float] = (),
        pairs: str = "–",
    ) -> None:
        known = [a for a in truth if a in said]
        alone = spread(generators) if generators else "–"
        measured = interval([said[a] for a in known], [truth[a] for a in known])
        print(f"| {name} | {alone} | {measured} | {pairs} |")

    row("parameters, more is better", {a: table.sizes(a)["parameters"] for a in truth})
    row("multiply-accumulates", {a: table.sizes(a)["multiply_accumulates"] for a in truth})
    others = [a for a in table.architectures if a not in scored and 0 in table.seeds(a)]
    seen = [(a, value) for a in others if (value := _gain_of(table, a, score)) is not None]
    for count in (n for n in SURROGATES if n <= len(seen)):
        model = Surrogate(table.space, table.rungs[-1], *zip(*seen[:count], strict=True))
        predicted = dict(zip(truth, map(float, model.predict(list(truth))), strict=True))
        row(f"a surrogate that has seen {count} other trainings", predicted)
    for (variant, reward, steps), several in by_generator(lines).items():
        mean = {a: statistics.fmean(said[a] for said in several) for a in several[0]}
        known = [a for a in truth if a in mean]
        orders = [[said[a] for a in known] for said in several]
        alone = [kendall(order, [truth[a] for a in known]) for order in orders]
        pairs = [kendall(one, other) for one, other in combinations(orders, 2)]
        row(
            f"{variant}: {reward}, {steps} steps",
            mean,
            alone,
            f"{statistics.fmean(pairs):.2f}" if pairs else "–",
        )
    print_cells(table, lines, score)
    most = max(len(table.seeds(a)) for a in truth)
    known = [
        a
        for a in truth
        if len(table.seeds(a)) == most
        and all(table.query(a, s).state == "complete" for s in table.seeds(a))
    ]
    gains = np.array([gains_of(table, a, score) for a in known])  # architectures × seeds × rungs
    print(f"\n| τ of trainings from scratch, {len(known)} architectures | mean |\n| --- | --- |")
    for rung, steps in enumerate(table.rungs):
        print(f"| {steps} steps of one seed, all steps of another | {between(gains, rung):.2f} |")
    print(f"| all steps of one seed, mean of the others | {with_others(gains):.2f} |")


def print_cells(table: Table, lines: Iterable[dict], score: str) -> None:
    """Prints, for each way, how first cells alone (as scored at 8×8 when they became beams) agree with
    the mean over all architectures that begin with them."""
    truth = truth_of(table, score)
    means: dict[str, list[float]] = defaultdict(list)
    for architecture, value in truth.items():
        means[str(architecture.prefix(1))].append(value)
    print(
        "\n| first cells alone, at 8×8 | τ of one shared generator | τ of the mean of all |", end=""
    )
    print(" 95 of 100 draws |\n| --- | --- | --- | --- |")
    said: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        if "cell" in line:
            said[line["variant"]][line["seed"]][line["cell"]] = line["reward"]
    cells = list(means)
    known = [statistics.fmean(means[cell]) for cell in cells]
    for variant, several in said.items():
        orders = [[of[cell] for cell in cells] for of in several.values()]
        alone = spread([kendall(order, known) for order in orders])
        mean = [statistics.fmean(values) for values in zip(*orders, strict=True)]
        print(f"| {variant} | {alone} | {interval(mean, known)} |")


def by_generator(lines: Iterable[dict]) -> dict[tuple, list[dict[Architecture, float]]]:
    """What each shared generator says of the architectures, by (variant, reward, steps)."""
    found: dict[tuple, dict[int, dict[Architecture, float]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for line in lines:
        for reward in (name for name in line if "statistics" in name):
            said = found[line["variant"], reward, line["steps"]][line["seed"]]
            said[Architecture.parse(line["architecture"])] = line[reward]
    return {place: list(of_seed.values()) for place, of_seed in found.items()}


def gains_of(table: Table, architecture: Architecture, score: str) -> list[list[float]]:
    """Of every seed, at every rung."""
    records = [table.query(architecture, seed) for seed in table.seeds(architecture)]
    return [[gain(record, score, rung) for rung in range(len(table.rungs))] for record in records]


def between(gains: np.ndarray, rung: int) -> float:
    """The mean τ of one seed at a rung with another at the highest, over all pairs of seeds."""
    seeds = range(gains.shape[1])
    pairs = [(one, other) for one in seeds for other in seeds if one != other]
    return statistics.fmean(
        kendall(gains[:, one, rung], gains[:, other, -1]) for one, other in pairs
    )


def with_others(gains: np.ndarray) -> float:
    """The mean τ of one seed with the mean of the other seeds, at the highest rung."""
    last = gains[:, :, -1]
    return statistics.fmean(
        kendall(last[:, seed], np.delete(last, seed, axis=1).mean(axis=1))
        for seed in range(last.shape[1])
    )


def main() -> None:
    """Collects what is missing, and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--table", type=Path, default=GAN_BENCH)
    options.add_argument("--data", required=True, help="the table's images")
    options.add_argument("--only", action="append", choices=list(VARIANTS))
    options.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    options.add_argument("--out", type=Path, required=True, help="file of scores, gone on with")
    options.add_argument("--score", default="inception_score", choices=SCORES, help="the truth")
    given = options.parse_args()
    table = Table.open(given.table)
    collect(table, given.data, given.out, given.only or VARIANTS, given.seeds)
    report(table, lines_of(given.out), given.score)


if __name__ == "__main__":
    main()
