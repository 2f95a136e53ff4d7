"""The parts of a run in order, each leaving its result in the run's folder.

search → derive → train → evaluate → generator.safetensors, samples.png, results.json
"""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from autogan.compute import Compute
from autogan.config import Settings, load_settings
from autogan.derive import Candidate, derive, keep_as_winner, origin
from autogan.errors import UserError
from autogan.evaluate import Evaluation, evaluate
from autogan.gan import generate, latent_batches
from autogan.ground import Ground, prepare
from autogan.nets.cost import generator_cost
from autogan.nets.generator import Generator
from autogan.pictures import grid, save_picture
from autogan.progress import Progress
from autogan.randomness import torch_generator
from autogan.runs import Run
from autogan.search import Search
from autogan.space import Architecture
from autogan.train import train
from autogan.weights import SavedGenerator, load_generator, save_generator

RESULTS_SCHEMA = 1
SAMPLES = 64


class Stopwatch:
    """Seconds that each part of a run took, kept over interruptions in timings.json."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.seconds: dict[str, float] = run.read("timings.json") or {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds the time inside to the part's seconds."""
        began = time.monotonic()
        try:
            yield
        finally:
            spent = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.seconds[name] = round(spent, 1)
            self._run.write("timings.json", self.seconds)


def run_everything(run: Run, progress: Progress) -> dict[str, Any]:
    """Search, derive, train the winner, evaluate; the content of results.json."""
    stopwatch = Stopwatch(run)
    with stopwatch.part("data and judge"):
        ground = prepare(run.settings, progress)
    with stopwatch.part("search"):
        search = search_part(run, ground, progress)
    with stopwatch.part("derive"):
        candidates = derive_part(search, run, ground, progress)
    with stopwatch.part("train"):
        train_winner(candidates, run, ground, progress)
    with stopwatch.part("evaluate"):
        evaluation = evaluate_part(run, ground, progress)
    return write_results(run, ground, evaluation, candidates, stopwatch.seconds)


def run_training(run: Run, architecture: Architecture, progress: Progress) -> dict[str, Any]:
    """Train one given architecture and evaluate it; the content of results.json."""
    stopwatch = Stopwatch(run)
    with stopwatch.part("data and judge"):
        ground = prepare(run.settings, progress)
    steps = run.settings.train.generator_steps
    work = ground.work
    progress.plan({"train": work.training(steps), "evaluate": work.evaluation()})
    with stopwatch.part("train"):
        train_part(architecture, run, ground, progress)
    with stopwatch.part("evaluate"):
        evaluation = evaluate_part(run, ground, progress)
    return write_results(run, ground, evaluation, [], stopwatch.seconds)


def search_part(run: Run, ground: Ground, progress: Progress) -> Search:
    """The search, taken up where its latest checkpoint left it."""
    progress.start("search")
    search = Search(ground, run, progress)
    state = run.load_checkpoint("search")
    if state is not None:
        search.load_state_dict(state)
        progress.note(f"The search goes on after iteration {search.iteration}.")
    search.run_all()
    search.write_architectures()
    return search


def derive_part(search: Search, run: Run, ground: Ground, progress: Progress) -> list[Candidate]:
    """Candidates ranked and trained, the best first; its generator becomes the run's."""
    progress.start("derive")
    candidates = derive(search, ground, run, progress)
    keep_as_winner(run, candidates[0])
    return candidates


def train_winner(candidates: list[Candidate], run: Run, ground: Ground, progress: Progress) -> None:
    """Trains the winner with the full budget, unless it was derived with that already."""
    winner = candidates[0]
    if winner.generator_steps != ground.settings.train.generator_steps:
        train_part(Architecture.parse(winner.architecture), run, ground, progress)


def train_part(architecture: Architecture, run: Run, ground: Ground, progress: Progress) -> None:
    """Trains one architecture with the full budget; its generator becomes the run's."""
    progress.start("train")
    steps = ground.settings.train.generator_steps
    generator, training = train(architecture, steps, "train", ground, run, progress)
    assert training.best is not None
    save_generator(
        run.folder / "generator.safetensors",
        generator,
        generator.state_dict(),
        origin(ground, training.best),
    )


def evaluate_part(run: Run, ground: Ground, progress: Progress) -> Evaluation:
    """The final scores and a picture of the run's generator."""
    progress.start("evaluate")
    generator = load_generator(run.folder / "generator.safetensors").generator
    evaluation = evaluate(generator, ground, progress)
    save_samples(
        generator, run.folder / "samples.png", SAMPLES, ground.settings.seed, ground.compute
    )
    return evaluation


def save_samples(generator: Generator, file: Path, count: int, seed: int, compute: Compute) -> None:
    """Writes a grid of `count` images of a derived generator, from latents that `seed` names."""
    compute.place(generator)
    stream = torch_generator(seed, "samples")
    images = torch.cat(
        [
            generate(generator, latents, compute).cpu()
            for latents in latent_batches(
                count, lambda n: torch.randn((n, generator.latent_size), generator=stream)
            )
        ]
    )
    save_picture(file, grid(images, enlarge=2))


def settings_of(saved: SavedGenerator, overrides: list[str]) -> Settings:
    """The settings that a generator was trained with, under overrides."""
    if "settings" not in saved.origin:
        raise UserError(
            "The generator file does not say on which data it was trained: give --data."
        )
    return load_settings(tree=saved.origin["settings"], overrides=overrides)


def write_results(
    run: Run,
    ground: Ground,
    evaluation: Evaluation,
    candidates: list[Candidate],
    seconds: dict[str, float],
) -> dict[str, Any]:
    """results.json, as docs/run-folder.md describes it."""
    saved = load_generator(run.folder / "generator.safetensors")
    results = {
        "schema": RESULTS_SCHEMA,
        **describe_generator(saved.generator),
        "data": {
            "name": ground.data.name,
            "digest": ground.data.digest,
            "training_images": len(ground.data.train),
            "held_out_images": len(ground.data.held_out),
        },
        "judge": {
            "name": ground.judge.name,
            "kind": "domain",
            "held_out_accuracy": ground.judge.held_out_accuracy,
        },
        **evaluation.to_dict(),
        "candidates": [asdict(candidate) for candidate in candidates],
        "validation": saved.origin["validation"],
        "seconds": seconds,
        "peak_memory_mib": peak_memory_mib(),
        "files": {"generator": "generator.safetensors", "samples": "samples.png"},
    }
    run.write("results.json", results)
    run.log("finished", scores=evaluation.scores.to_dict())
    return results


def describe_generator(generator: Generator) -> dict[str, Any]:
    """Architecture, size and cost of a derived generator."""
    architecture = generator.architecture
    cost = generator_cost(
        architecture,
        latent_size=generator.latent_size,
        channels=generator.channels,
        bottom_size=generator.bottom_size,
    )
    return {
        "architecture": str(architecture),
        "vector": architecture.to_vector(),
        "image_size": generator.bottom_size << len(architecture),
        "parameters": cost.parameters,
        "multiply_accumulates": cost.multiply_accumulates,
    }


def peak_memory_mib() -> int:
    """The most memory this process has held, in MiB (on the GPU's side: not counted)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 2**20 if sys.platform == "darwin" else peak // 2**10


def open_run(folder: Path, settings: Settings, resume: bool) -> Run:
    """A new run, or with `resume` the one in the folder, under the settings it was made with."""
    return Run.resume(folder) if resume else Run.create(folder, settings)
