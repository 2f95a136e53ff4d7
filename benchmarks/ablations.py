"""What each part of the method is worth: searches with one part changed, their winners judged by a table.

    OMP_NUM_THREADS=1 python benchmarks/ablations.py --data folder:cifar10-jpeg.tar.xz --out ablations.jsonl
    python benchmarks/ablations.py --out ablations.jsonl --report

Every search has the same number of iterations, with images, judge and widths of the preset table-16; one
whose game is stopped for a reset trains less, one that keeps all first cells scores 26 children more. Each is
a line of the file that --out names; the same command goes on where it stopped, and several processes may
share the work (--seeds, --only). The report is Markdown: the score that GAN-Bench-2592 (or --table) has of
what was found, the mean over seeds, where it stands among all architectures, how probable it is that as many
drawn at random are as good, the mean of all candidates, and by how much it is better with the method, seed by
seed.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from agreement import HINGE_SETTINGS, OWN_SETTINGS, lines_of, truth_of

import autogan.method.search
from autogan.method.context import prepare
from autogan.method.ranking import Ranking
from autogan.method.search import Search
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies import make_strategy
from autogan.strategies.base import Strategy
from autogan.strategies.reinforce import Reinforce
from autogan.trials.table import Table
from autogan.trials.table_file import GAN_BENCH
from autogan.trials.table_values import HIGHER_IS_BETTER, SCORES

ITERATIONS, SHARED_STEPS, CONTROLLER_STEPS, SAMPLES = 10, 250, 8, 2
ALL_FIRST_CELLS = 36
DRAWN = 200_000
BASE = (
    *OWN_SETTINGS,
    *(f"search.iterations={ITERATIONS}", "search.stage_weights=[1,1]"),
    *("search.shared_epochs=null", f"search.shared_steps={SHARED_STEPS}"),
    *(f"search.controller_steps={CONTROLLER_STEPS}", "search.reward_images=1000"),
    f"search.controller.samples_per_step={SAMPLES}",
    *("search.controller.learning_rate=0.005", "search.controller.entropy_weight=0.001"),
    *("search.reset.window=200", "search.candidates=10", "search.beams=5", "derive.candidates=10"),
    *("search.generator_channels=16", "search.discriminator_channels=16"),
    *("search.generator_batch=32", "search.discriminator_batch=32"),
    "search.reward=frechet_distance",
)
"""REINFORCE stage by stage, for the Fréchet distance, with the game of the table's own trainings."""
HINGE = (
    *HINGE_SETTINGS,
    "search.objective.spectral_norm=true",
    *("search.objective.real_penalty=0", "search.objective.generated_penalty=0"),
    "search.objective.penalty_every_steps=1",
)
"""With the base's learning rate and decay rates."""
NOT_INHERITED = "controllers of a new stage start from nothing"
ABLATIONS: dict[str, tuple[str, ...]] = {
    "the method": (),
    "reward: Inception score": ("search.reward=inception_score",),
    "uniform instead of REINFORCE": ("search.strategy=random",),
    "one beam": ("search.beams=1",),
    "ten beams": ("search.beams=10",),
    "nearly all cells at once": (
        f"search.stage_weights=[1,{ITERATIONS - 1}]",
        f"search.beams={ALL_FIRST_CELLS}",
        f"search.candidates={ALL_FIRST_CELLS}",
    ),
    NOT_INHERITED: (),
    "fresh shared weights in every iteration": ("search.reset.threshold=1000",),
    "no dynamic reset": ("search.reset.threshold=0",),
    "hinge, five discriminator steps": (
        *HINGE,
        "search.discriminator_steps=5",
        "search.generator_batch=64",
    ),
    "hinge, one discriminator step": HINGE,
}
"""Settings that each changes in `BASE`."""


class Uninherited(Reinforce):
    """REINFORCE whose controllers do not go on from the states that made the beams."""

    def promote(self, *given: Any) -> list[Architecture]:
        """As `Reinforce.promote`, and the states are forgotten."""
        beams = super().promote(*given)
        self._beam_states = None
        return beams


def make_uninherited(options: SearchSettings, space: SearchSpace, seed: int) -> Strategy:
    """As `make_strategy`."""
    return Uninherited(space, options.controller, seed)


def search(name: str, seed: int, data: str) -> dict[str, Any]:
    """One search: what it ranks first, and all that it ranks."""
    sets = [f"data.source={data}", *BASE, *ABLATIONS[name]]
    settings = load_settings("table-16", overrides=sets)
    maker = make_uninherited if name == NOT_INHERITED else make_strategy
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run", settings, Task("search"))
        context = prepare(settings, Progress(), run=run)
        seeded = context.settings.model_copy(update={"seed": seed})
        with mock.patch.object(autogan.method.search, "make_strategy", maker):
            searching = Search(replace(context, settings=seeded), run, Progress())
        began = time.process_time()
        while not searching.done:
            searching.step()
        ranking = Ranking(searching)
        while not ranking.done:
            ranking.step()
        events = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
        run.close()
    return {
        "variant": name,
        "seed": seed,
        "ranking": [[str(child.architecture), child.reward] for child in searching.ranking],
        "children": len(searching.children.history),
        "resets": sum(event["event"] == "reset" for event in events),
        "processor_seconds": round(time.process_time() - began),
    }


def report(table: Table, lines: list[dict[str, Any]], score: str) -> None:
    """Prints what the table says of the winners."""
    truth = truth_of(table, score)
    ordered = sorted(truth.values())
    turned = 1 if score in HIGHER_IS_BETTER else -1

    def place(value: float) -> float:
        """Percent of all architectures that are worse."""
        return 100 * sum(other < value for other in ordered) / len(ordered)

    stream = np.random.default_rng(0)

    def by_chance(values: list[float]) -> float:
        """How probable a mean as good is, of as many architectures drawn at random."""
        drawn = stream.choice(ordered, (DRAWN, len(values))).mean(axis=1)
        return float((drawn >= statistics.fmean(values)).mean())

    def spread(values: list[float]) -> str:
        error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
        return f"{statistics.fmean(values):.3f} ± {error:.3f}"

    print(f"{score}, test latents, means over the seeds of {len(truth):,} architectures\n")
    print("| search | seeds | resets | what was found | better than | by chance ", end="")
    print("| all candidates | by how much better with the method |\n" + "| --- " * 8 + "|")
    method: dict[int, float] = {}
    for name in ABLATIONS:
        searches = [line for line in lines if line["variant"] == name]
        if not searches:
            continue
        gains = [[truth[Architecture.parse(a)] for a, _ in s["ranking"]] for s in searches]
        found = [of[0] for of in gains]
        resets = statistics.fmean(s["resets"] for s in searches)
        means = {s["seed"]: statistics.fmean(of) for s, of in zip(searches, gains, strict=True)}
        method = method or means  # it is the first
        better = ", ".join(f"{method[seed] - means[seed]:.2f}" for seed in sorted(means))
        print(
            f"| {name} | {len(searches)} | {resets:.1f} | {spread([turned * v for v in found])} "
            f"| {statistics.fmean(map(place, found)):.0f} % | {by_chance(found):.4f} "
            f"| {spread([turned * mean for mean in means.values()])} | {better} |"
        )
    average = turned * statistics.fmean(truth.values())
    print(f"| the average architecture | – | – | {average:.3f} | – | – | – | – |")
    print(f"| the best of all | – | – | {turned * ordered[-1]:.3f} | 100 % | – | – | – |")


def main() -> None:
    """Searches what is missing, or prints."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--data", help="the table's images")
    options.add_argument("--out", type=Path, required=True, help="file of searches, gone on with")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--only", action="append", choices=list(ABLATIONS))
    options.add_argument("--report", action="store_true", help="search nothing, print")
    options.add_argument("--table", type=Path, default=GAN_BENCH)
    options.add_argument("--score", default="inception_score", choices=SCORES)
    given = options.parse_args()
    if given.report:
        report(Table.open(given.table), lines_of(given.out), given.score)
        return
    if given.data is None:
        options.error("--data is needed, or --report")
    there = {(line["variant"], line["seed"]) for line in lines_of(given.out)}
    for seed in given.seeds:
        for name in given.only or ABLATIONS:
            if (name, seed) in there:
                continue
            line = search(name, seed, given.data)
            with given.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
