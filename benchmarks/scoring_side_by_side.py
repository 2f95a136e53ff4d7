"""What several processes that score children bring: seconds for a round with one and with some of them.

    OMP_NUM_THREADS=1 python benchmarks/scoring_side_by_side.py [--preset own-32] [--processes 2]

The preset's shared generator and judge with random weights, in their last stage: what is computed is the
same as in a search. The start of the processes is told apart; a search pays it once.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from autogan.device.compute import Compute
from autogan.device.processor import processor_name
from autogan.files.storage import load_tree, save_tree
from autogan.gan.from_settings import discriminator_for
from autogan.gan.step import Gan
from autogan.judges.domain import DomainJudge
from autogan.judges.network import build
from autogan.method.child_scoring import ChildScorer, Scoring
from autogan.method.side_by_side import SideBySide
from autogan.settings.loading import load_settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--preset", default="own-32")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--children", type=int, default=4)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    settings = load_settings(given.preset)
    search, space = settings.search, search_space(settings.network.space, settings.cells)
    compute = Compute.resolve("auto", "float32")
    generator = space.generator(
        latent_size=settings.network.latent_size,
        channels=search.generator_channels,
        bottom_size=settings.network.bottom_size,
    )
    gan = Gan(
        generator,
        discriminator_for(search, space, None, None),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=compute,
        seed=0,
        purpose="search",
    )
    network = build(settings.judge.width, 10)
    for layer in network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    about = {
        "recipe": settings.judge.to_dict(),
        "task": "classes",
        "answers": list("abcdefghij"),
        "held_out_accuracy": 1.0,
    }
    judge = DomainJudge(network, about, compute.device)
    scoring = Scoring(judge, search.reward_images, inception_splits=10)
    latents = gan.streams.latents
    alone = ChildScorer(gan.generator, latents, scoring, compute, nullcontext)
    beside = SideBySide(given.processes, gan.generator, latents, scoring, compute, nullcontext)
    children = [space.first()] * given.children
    print(
        f"{given.preset}, {processor_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    alone.score(children[0])
    began, computed = time.perf_counter(), time.process_time()
    alone.score(children[0])
    computed = time.process_time() - computed
    print(f"one child here: {since(began):.2f} s, {computed:.2f} s of the processor")
    with tempfile.TemporaryDirectory() as folder:
        began, computed = time.perf_counter(), time.process_time()
        save_tree(Path(folder) / "weights", {"generator": gan.generator.state_dict()})
        gan.generator.load_state_dict(load_tree(Path(folder) / "weights")["generator"])
        computed = time.process_time() - computed
        print(f"weights written and read: {since(began):.3f} s, {computed:.3f} s of the processor")
    began = time.perf_counter()
    a_round(beside, children)
    print(f"the first round of {given.processes} processes, with their start: {since(began):.2f} s")
    for name, scorer in (("one process", alone), (f"{given.processes} processes", beside)):
        taken = []
        for _ in range(given.repeats):
            began = time.perf_counter()
            a_round(scorer, children)
            taken.append(since(began))
        print(
            f"{given.children} children, {name}: {statistics.median(taken):.2f} s (median of {given.repeats})"
        )
    beside.close()


def a_round(scorer: ChildScorer, children: list[Architecture]) -> list[float]:
    """The rewards of all children."""
    rewards = []
    for number, child in enumerate(children):
        scorer.look_ahead(children, number)
        rewards.append(scorer.score(child))
    return rewards


def since(began: float) -> float:
    """Seconds."""
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
