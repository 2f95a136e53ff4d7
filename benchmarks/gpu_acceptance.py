"""Accepts a GPU: are recorded steps right, how fast is everything, how long does the paper's budget take?

    PYTHONPATH=src python benchmarks/gpu_acceptance.py --out acceptance.json --minutes 8.5

Writes each part to the JSON file when it is done, and prints a table at the end. The same command again
goes on with the parts that are missing. Needs no data: it trains on the embedded characters.
`--miniature` does everything with tiny numbers, which tell nothing; so a CPU shows that it works.
"""

import argparse
import itertools
import json
import math
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from autogan.bench.cases import (
    BOTTOM_SIZE,
    LATENT_SIZE,
    RECIPES,
    SCRATCH,
    SEARCH,
    Case,
    Widths,
    adversarial_case,
    judging,
    recipe_case,
    sampling,
    scoring_a_child,
    search_architectures,
)
from autogan.bench.matrix_peak import matrix_peak
from autogan.bench.suite import measured
from autogan.device.compute import PRECISIONS, Compute
from autogan.device.memory import peak_memory_mib
from autogan.device.timing import interleaved, synchronise
from autogan.files.storage import write_json
from autogan.gan.augmentation import make_augmentation
from autogan.gan.capture import CudaRecorder, Recorder, Recordings
from autogan.gan.from_settings import discriminator_for
from autogan.gan.penalties import LOSSES, make_objective
from autogan.gan.schedules import Schedule
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.method.context import Context, prepare
from autogan.method.search import Search
from autogan.method.train import Training
from autogan.progress.base import Progress
from autogan.runs.environment import environment
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.game import AdversarialSettings
from autogan.settings.loading import load_settings
from autogan.settings.search import SearchSettings
from autogan.settings.sections import Settings
from autogan.spaces import DEFAULT_SPACE, PAIRED, SPACES, search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.discriminator_architecture import EXAMPLE, DiscriminatorArchitecture
from autogan.spaces.space import SearchSpace

ARCHITECTURE_A = Architecture.parse("autogan-a")
PARTLY_LABELLED = Classes(tuple("abcdefghij"), (0.1,) * 10, unlabelled=True)


def _game(**given: Any) -> AdversarialSettings:
    """What a game is played for; its widths and batches are those of a scale."""
    return SearchSettings.model_validate(given)


ALL_PENALTIES = {"real_penalty": 0.1, "generated_penalty": 0.1, "penalty_every_steps": 2}
CHANGES = ("colour", "shift", "cutout")
GAMES: dict[str, AdversarialSettings] = {
    **{loss: _game(objective={"loss": loss}) for loss in LOSSES},
    "all penalties": _game(
        objective={
            **ALL_PENALTIES,
            "loss": "relativistic-pairing",
            "slope_penalty": 0.1,
            "spectral_norm": False,
        }
    ),
    "LeCam": _game(
        objective={"lecam_penalty": 0.3, "lecam_from_step": 3},
    ),
    **{
        f"direction head, {loss}": _game(objective={"loss": loss, "direction_head": True})
        for loss in ("hinge", "non-saturating")
    },
    "best scored": _game(objective={"top_share": 0.5, "top_share_steps": 8}),
    "augmentation": _game(augmentation=CHANGES),
    "augmentation, probability ½": _game(augmentation=CHANGES, augmentation_probability=0.5),
    "everything that changes": _game(
        objective={
            **ALL_PENALTIES,
            "direction_head": True,
            "lecam_penalty": 0.3,
            "lecam_from_step": 3,
            "top_share": 0.5,
            "top_share_steps": 8,
        },
        augmentation=CHANGES,
        augmentation_probability="adaptive",
        augmentation_images=500,
        schedule={"learning_rate": "cosine", "penalty_end": 0.1},
    ),
}
"""Every objective, penalty and augmentation, and everything that changes from step to step. (Adam's
decay rate may not: a recorded step keeps it.)"""
OF_ALL_SPACES = ("hinge", "all penalties", "everything that changes")
"""Games that are played in every space and at every stage; the others in AutoGAN's, at the second."""
BLOCKS = DiscriminatorArchitecture.parse(EXAMPLE)


@dataclass(frozen=True)
class Setup:
    """A game, and the networks that play it.

    space: of generators, or of pairs. game: its name in `GAMES`. discriminator: the one that is told;
    None for the space's own.
    """

    space: str
    game: str
    stage: int
    classes: Classes | None = None
    discriminator: DiscriminatorArchitecture | None = None

    @property
    def settings(self) -> AdversarialSettings:
        """Those of the game."""
        return GAMES[self.game]


def setups() -> Iterator[Setup]:
    """All that recorded steps are compared in: of two games also with classes, and against discriminators
    made of blocks, told or of a pair."""
    for space in SPACES:
        for game in GAMES:
            if game in OF_ALL_SPACES:
                yield from (Setup(space, game, stage) for stage in range(3))
            elif space == DEFAULT_SPACE:
                yield Setup(space, game, 1)
        for game in ("hinge", "all penalties"):
            yield from (Setup(space, game, stage, PARTLY_LABELLED) for stage in range(3))
    yield Setup(DEFAULT_SPACE, "all penalties", 2, discriminator=BLOCKS)
    yield Setup(f"{DEFAULT_SPACE}{PAIRED}", "hinge", 1)


LARGEST_DIFFERENCE = 1e-3
"""‖recorded − direct‖ / ‖direct‖ of all weights after some steps, which libraries may order otherwise."""


@dataclass(frozen=True)
class Scale:
    """How much of everything is done. minutes: for all that has no number of its own."""

    minutes: float
    search: Widths = SEARCH
    scratch: Widths = SCRATCH
    scored_images: int = 5000
    shared_steps: int = 300
    children: int = 4
    precision_steps: int = 1000
    peak_side: int | None = None
    overrides: tuple[str, ...] = ()


FEW = 4
"""Architectures that a stage's steps and children are measured with."""
NARROW = Widths(8, 8, 8, 8, 2)
MINIATURE = Scale(
    minutes=0.02,
    search=NARROW,
    scratch=NARROW,
    scored_images=40,
    shared_steps=4,
    children=1,
    precision_steps=2,
    peak_side=64,
    overrides=(
        *(
            f"{part}.{side}_channels=8"
            for part in ("search", "train")
            for side in ("generator", "discriminator")
        ),
        *(
            f"{part}.{side}_batch=8"
            for part in ("search", "train")
            for side in ("generator", "discriminator")
        ),
        *("search.candidates=2", "search.beams=1", "search.reward_images=200"),
        *("train.validation_images=200", "evaluate.protocol=custom", "evaluate.images=200"),
        *("evaluate.inception_splits=1", "judge.width=8", "data.image_size=32"),
    ),
)


class DirectRecorder:
    """What a CPU has instead of CUDA graphs: the step itself, done again."""

    def run(self, step: Callable[[], torch.Tensor]) -> torch.Tensor:
        """As `Recorder.run`."""
        return step()

    def record(self, step: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
        """As `Recorder.record`."""
        return step

    def forget(self) -> None:
        """As `Recorder.forget`."""


@dataclass(frozen=True)
class Acceptance:
    """All parts, each a function to one JSON value."""

    compute: Compute
    scale: Scale

    def parts(self) -> dict[str, Callable[[], Any]]:
        """By name, in the order in which they are done."""
        return {
            "machine": self.machine,
            "recorded steps": self.recorded_steps,
            "search budget": self.search_budget,
            "speed": self.speed,
            "architecture A": self.architecture_a,
            "compiled": self.compiled,
            "precision": self.precision,
        }

    def machine(self) -> dict[str, Any]:
        """What it is, and its matrix peaks."""
        peaks = {
            name: round(self._peak(dtype) / 1e9, 1)
            for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
        }
        device = str(self.compute.device)
        described = self.compute.describe()
        return {**environment(device), "compute": described, "peak_gflops": peaks}

    def _peak(self, dtype: torch.dtype) -> float:
        return matrix_peak(self.compute.device, dtype, side=self.scale.peak_side)

    def recorded_steps(self) -> list[dict[str, Any]]:
        """How far recorded steps lie from direct ones."""
        return [
            {
                "space": setup.space,
                "objective": setup.game,
                "classes": len(setup.classes) if setup.classes else 0,
                "discriminator": str(setup.discriminator or ""),
                "stage": setup.stage,
                **self._difference(setup),
            }
            for setup in setups()
        ]

    def _difference(self, setup: Setup) -> dict[str, float]:
        """Relative difference of all weights of both networks after six rounds of two architectures.

        In float32 as the processor has it, and with libraries that add in one order: else trainings of the
        same steps differ by a thousandth after so many.
        """
        recorder: Recorder = DirectRecorder()
        if self.compute.device.type == "cuda":
            recorder = CudaRecorder(self.compute.device)
        compute = replace(self.compute.with_precision("float32"), captures=False)
        architectures = search_architectures(setup.stage + 1, setup.space)[:2]
        ends = []
        for recordings in (None, Recordings(recorder)):
            with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
                gan = game_of(setup, self.scale.search, compute, recordings)
                real = real_images(gan, self.scale.search, architectures[0])
                schedule = Schedule(setup.settings, 12)
                for number in range(6):
                    for place, architecture in enumerate(architectures):
                        schedule.apply(gan, 2 * number + place)
                        play_round(gan, self.scale.search, architecture, real)
            networks = (gan.generator, gan.discriminator)
            weights = [p.detach().flatten().double() for n in networks for p in n.parameters()]
            ends.append(torch.cat(weights))
        direct, recorded = ends
        return {"difference": ((recorded - direct).norm() / direct.norm()).item()}

    def speed(self) -> list[dict[str, Any]]:
        """Every hot step, plain, direct and recorded, with its share of the matrix peak."""
        peak = self._peak(self.compute.autocast_dtype or torch.float32)
        cases = list(self._cases())
        seconds = 60 * self.scale.minutes * 0.25 / len(cases)
        return [measured(case(), self.compute, seconds, peak) for case in cases]

    def _cases(self) -> Iterator[Callable[[], Case]]:
        scale, compute = self.scale, self.compute
        for stage in range(3):
            name = f"search step, {BOTTOM_SIZE << (stage + 1)} pixels"
            yield lambda name=name, stage=stage: adversarial_case(  # type: ignore[misc]
                name, 3, stage, scale.search, compute
            )
        yield lambda: adversarial_case(
            "step of architecture A", 3, 2, scale.scratch, compute, ARCHITECTURE_A
        )
        for recipe in RECIPES:
            yield partial(recipe_case, recipe, compute, scale.overrides)
        yield lambda: scoring_a_child(scale.scored_images, compute)
        yield lambda: sampling(min(250, scale.scored_images), compute)
        yield lambda: judging(min(1000, scale.scored_images), compute)

    def compiled(self) -> dict[str, Any]:
        """A round of architecture A with both networks through torch.compile, and as it is; both recorded
        where steps are."""
        compute = self.compute
        scale = self.scale.scratch
        gan = _gan(scale, compute)
        gan.generator.compile()
        gan.discriminator.compile()
        real = real_images(gan, scale, ARCHITECTURE_A)
        began = time.perf_counter()
        try:
            play_round(gan, scale, ARCHITECTURE_A, real)
        except torch._dynamo.exc.TorchDynamoException as error:
            return {"why_not": str(error).strip().splitlines()[0]}  # no compiler on this machine
        synchronise(compute.device)
        compiling = time.perf_counter() - began
        as_it_is = _gan(scale, compute)
        timing = interleaved(
            {
                "compiled": partial(play_round, gan, scale, ARCHITECTURE_A, real),
                "as it is": partial(play_round, as_it_is, scale, ARCHITECTURE_A, real),
            },
            compute.device,
            60 * self.scale.minutes * 0.02,
            warm_up=3 if compute.captures else 1,
        )
        milliseconds = {way: round(taken.median_ms, 2) for way, taken in timing.items()}
        return {"compiling_seconds": round(compiling, 1), "milliseconds": milliseconds}

    def search_budget(self) -> dict[str, Any]:
        """The paper's search from real steps of every stage: what a step and a child take, multiplied, and
        what it takes to record the steps of all architectures that a stage draws from."""
        settings = self._settings(
            *("search.iterations=3", "search.stage_weights=[1,1,1]", "search.shared_epochs=null"),
            *(f"search.shared_steps={FEW * FEW}", "search.controller_steps=1"),
        )
        paper = load_settings("cifar10-paper").search
        assert paper.shared_epochs is not None
        shared_steps = round(paper.shared_epochs * (50_000 // paper.discriminator_batch))
        starts = [*paper.stage_starts(), paper.iterations]
        stages = []
        with _prepared(settings, self.compute, Task("search")) as (context, run):
            search = Search(context, run, Progress())
            for stage in range(3):
                while search.stage < stage:
                    search.step()
                own = [len(d.options) for d in search.space.decisions if d.place.number == stage]
                drawn_from = math.prod(own) * (paper.beams if stage else 1)
                steps = shared_steps * (starts[stage + 1] - starts[stage])
                children = paper.controller_steps * (starts[stage + 1] - starts[stage])
                taken = self._stage(search)
                seconds = {
                    "training_seconds": steps * taken["step_ms"] / 1000,
                    "recording_seconds": drawn_from * taken["recording_ms"] / 1000,
                    "scoring_seconds": children * taken["child_ms"] / 1000,
                }
                stages.append({**taken, **{k: round(v, 1) for k, v in seconds.items()}})
            memory = _memory_mib(self.compute)
        whole = sum(v for s in stages for k, v in s.items() if k.endswith("_seconds"))
        return {"stages": stages, "minutes": round(whole / 60, 1), "memory_mib": memory}

    def _stage(self, search: Search) -> dict[str, float]:
        """Milliseconds of a step whose architecture is known, of recording the steps of one, and of scoring
        a child. A young search hardly ever draws an architecture twice, a late one does; so few are drawn."""
        few = search.strategy.propose_for_training(
            FEW, search.rung, search.children.observations, random.Random(0)
        )

        def steps(count: int) -> float:
            return self._milliseconds(partial(_shared_steps, search, few, count))

        count = 3 * FEW * search.options.discriminator_steps  # each meets both networks three times
        until_recorded = steps(count)
        steps(self.scale.shared_steps)  # a GPU's clocks rise meanwhile
        known = steps(self.scale.shared_steps) / self.scale.shared_steps

        def children() -> None:
            for architecture in few[: self.scale.children]:
                assert search.score(architecture, "controller") is not None, architecture

        children()
        return {
            "step_ms": round(known, 3),
            "recording_ms": round(max(0.0, until_recorded - count * known) / FEW, 2),
            "child_ms": round(self._milliseconds(children) / self.scale.children, 2),
        }

    def _milliseconds(self, call: Callable[[], object]) -> float:
        synchronise(self.compute.device)
        began = time.perf_counter()
        call()
        synchronise(self.compute.device)
        return 1000 * (time.perf_counter() - began)

    def architecture_a(self) -> dict[str, Any]:
        """Architecture A from scratch at the paper's widths, for as long as there is time."""
        budget = 60 * self.scale.minutes * 0.3
        curve = []
        with _prepared(self._settings(), self.compute, TRAIN) as (context, run):
            steps = context.settings.train.generator_steps
            training = Training(ARCHITECTURE_A, steps, "train", context, run, Progress())
            spent = 0.0
            for mark in (0.1, 0.25, 0.5, 1.0):
                while spent < mark * budget or training.steps_done < 2:
                    began = time.perf_counter()
                    training.step()
                    synchronise(self.compute.device)
                    spent += time.perf_counter() - began
                training.validate()
                distance = training.validations[-1].frechet_distance
                curve.append({"generator_steps": training.steps_done, "frechet_distance": distance})
            memory = _memory_mib(self.compute)
        each = spent / training.steps_done
        published = load_settings("cifar10-paper").train.generator_steps
        return {
            "curve": curve,
            "seconds_of_a_generator_step": each,
            "minutes_of_all": round(published * each / 60, 1),
            "memory_mib": memory,
        }

    def precision(self) -> dict[str, Any]:
        """Architecture A, narrower, trained equally long in both precisions, two seeds each."""
        found: dict[str, list[float]] = {}
        for precision in PRECISIONS:
            compute = self.compute.with_precision(precision)
            for seed in (0, 1):
                narrow = ("train.generator_channels=64", "train.discriminator_channels=32")
                chosen = () if self.scale.overrides else narrow
                settings = self._settings(f"seed={seed}", *chosen)
                with _prepared(settings, compute, TRAIN) as (context, run):
                    steps = self.scale.precision_steps
                    training = Training(ARCHITECTURE_A, steps, "train", context, run, Progress())
                    while training.steps_done < steps:
                        training.step()
                    training.validate()
                    distance = training.validations[-1].frechet_distance
                    found.setdefault(precision, []).append(round(distance, 3))
        return {"generator_steps": self.scale.precision_steps, "frechet_distance": found}

    def _settings(self, *overrides: str) -> Settings:
        """The paper's, on the embedded characters, with a judge that is quickly trained."""
        judge = ("judge.width=16", "judge.epochs=2", "judge.flip=false", "judge.learning_rate=0.1")
        mine = (
            "data.source=glyphs",
            f"compute.device={self.compute.device}",
            "train.validate_every_steps=1000000",
        )
        given = (*judge, *mine, *self.scale.overrides, *overrides)
        return load_settings("cifar10-paper", overrides=given)


TRAIN = Task("train", str(ARCHITECTURE_A))


@contextmanager
def _prepared(settings: Settings, compute: Compute, task: Task) -> Iterator[tuple[Context, Run]]:
    """A run in a folder that is gone afterwards, its judge trained, on `compute`."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run", settings, task)
        try:
            yield replace(prepare(settings, Progress(), run=run), compute=compute), run
        finally:
            run.close()


def _gan(widths: Widths, compute: Compute) -> Gan:
    """The game of architecture A with its averaged generator."""
    setup = Setup(DEFAULT_SPACE, "hinge", 2)
    return game_of(
        setup, widths, compute, generators=SearchSpace.only(ARCHITECTURE_A), average_decay=0.999
    )


def game_of(
    setup: Setup,
    widths: Widths,
    compute: Compute,
    recordings: Recordings | None = None,
    generators: SearchSpace | None = None,
    average_decay: float | None = None,
) -> Gan:
    """Networks of three cells. generators: by default the whole space."""
    space = search_space(setup.space, 3)
    section = setup.settings.model_copy(
        update={"discriminator_channels": widths.discriminator_channels}
    )
    return Gan(
        (generators or space).generator(
            latent_size=LATENT_SIZE,
            channels=widths.generator_channels,
            bottom_size=BOTTOM_SIZE,
            classes=setup.classes,
        ),
        discriminator_for(section, space, setup.classes, setup.discriminator),
        learning_rate=2e-4,
        betas=(0.0, 0.9),
        compute=compute,
        seed=0,
        purpose="acceptance",
        average_decay=average_decay,
        objective=make_objective(section.objective),
        augmentation=make_augmentation(section),
        recordings=recordings,
    )


def real_images(gan: Gan, widths: Widths, architecture: Architecture) -> Batch:
    """Real images, the same at every call; every third has no label."""
    size = BOTTOM_SIZE << len(architecture)
    stream = torch.Generator().manual_seed(1)
    shape = (widths.discriminator_batch, 3, size, size)
    pixels = torch.randint(0, 256, shape, generator=stream, dtype=torch.uint8)
    labels = None
    if gan.generator.classes:
        labels = torch.arange(len(pixels)) % len(gan.generator.classes)
        labels[::3] = -1
    return Batch(pixels, labels).to(gan.compute.device)


def play_round(gan: Gan, widths: Widths, architecture: Architecture, real: Batch) -> None:
    """A step of each network."""
    gan.discriminator_step(real, architecture)
    sees_real = gan.objective.generator_sees_real
    count = len(real) if sees_real else widths.generator_batch
    gan.generator_step(count, architecture, real if sees_real else None)


def _shared_steps(search: Search, architectures: Sequence[Architecture], count: int) -> None:
    """Steps of the shared weights on these architectures in turn."""
    search.at.proposed = list(itertools.islice(itertools.cycle(architectures), count))
    for _ in range(count):
        search.shared_training_step()


def _memory_mib(compute: Compute) -> int:
    """The most that was held: on a GPU since the last time this was asked."""
    if compute.device.type != "cuda":
        return peak_memory_mib()
    held = torch.cuda.max_memory_allocated(compute.device)
    torch.cuda.reset_peak_memory_stats(compute.device)
    return held // 2**20


def verdicts(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was wanted, what was measured, and "yes" or "no"; of the parts that were done."""
    rows = []

    def row(what: str, measured: float, wanted: float, least: bool) -> None:
        met = measured >= wanted if least else measured <= wanted
        sign = "≥" if least else "≤"
        rows.append((f"{what} {sign} {wanted:g}", f"{measured:.3g}", "yes" if met else "no"))

    if "recorded steps" in found:
        worst = max(entry["difference"] for entry in found["recorded steps"])
        what = "recorded steps against direct ones, relative difference"
        row(what, worst, LARGEST_DIFFERENCE, False)
    if "speed" in found:
        speed = {case["name"]: case for case in found["speed"]}
        first, last = (speed[f"search step, {size} pixels"] for size in (8, 32))
        if "fast, not captured" in first["ways"]:
            ways = first["ways"]
            gain = ways["fast, not captured"]["median_ms"] / ways["fast"]["median_ms"]
            row("recorded against direct at 8 pixels, times as fast", gain, 2, True)
        row("share of the matrix peak at 32 pixels", last["share_of_matrix_peak"], 0.35, True)
    if "search budget" in found:
        row("the paper's search, minutes", found["search budget"]["minutes"], 30, False)
    if "architecture A" in found:
        minutes = found["architecture A"]["minutes_of_all"]
        row("architecture A from scratch, minutes", minutes, 20, False)
    return rows


def main() -> None:
    """Does the parts that the file lacks, and prints what was found."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument(
        "--out", type=Path, required=True, help="JSON file; what it has is not redone"
    )
    options.add_argument("--minutes", type=float, default=8.5, help="of all parts together, about")
    options.add_argument("--device", default="auto")
    options.add_argument("--without", action="append", default=[], help="a part to leave out")
    options.add_argument(
        "--miniature", action="store_true", help="tiny numbers, to see that it works"
    )
    given = options.parse_args()
    compute = Compute.resolve(given.device)
    scale = MINIATURE if given.miniature else Scale(given.minutes)
    found: dict[str, Any] = json.loads(given.out.read_text()) if given.out.exists() else {}
    for name, part in Acceptance(compute, scale).parts().items():
        if name in found or name in given.without:
            continue
        began = time.perf_counter()
        found[name] = part()
        write_json(given.out, found)
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    if "machine" in found:
        print(f"\n{found['machine']['gpu'] or 'no GPU'}; {found['machine']['compute']}\n")
    print("| step | plain, ms | direct, ms | fast, ms | share of the matrix peak |")
    print("| --- | --- | --- | --- | --- |")
    for case in found.get("speed", []):
        ways = [
            f"{case['ways'][way]['median_ms']:.2f}" if way in case["ways"] else "–"
            for way in ("plain", "fast, not captured", "fast")
        ]
        print(f"| {case['name']} | {' | '.join(ways)} | {case['share_of_matrix_peak']:.0%} |")
    print("\n| wanted | measured | met |\n| --- | --- | --- |")
    for wanted, measured_value, met in verdicts(found):
        print(f"| {wanted} | {measured_value} | {met} |")


if __name__ == "__main__":
    main()
