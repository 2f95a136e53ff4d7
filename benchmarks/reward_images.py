"""How many images a child's reward needs: whether fewer keep the order of the architectures.

    python benchmarks/reward_images.py RUN [--inception-score]

RUN is the folder of a run whose search has ended. The reward is that of the run, or the Inception score.
Random architectures are scored with its shared weights, twice with every number of images, each time from
other latents. Prints Markdown: Kendall's τ of the order by so many images with the order by the most images
(averaged over both times), τ of the two times with each other, and the seconds of one scoring. One shared
generator and one data set say nothing of others.
"""

import argparse
import random
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from autogan.device.processor import processor_name
from autogan.method.child_scoring import ChildScorer, Scoring
from autogan.method.pipeline import prepare_run
from autogan.method.search import Search
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.trials.rank_correlation import kendall

NUMBERS = (250, 500, 1000, 2000)
MOST = 5000
ARCHITECTURES = 40


def main(folder: Path, by_inception_score: bool) -> None:
    """Scores, and prints the table."""
    run = Run.resume(folder)
    context = prepare_run(run, Progress())
    search = Search(context, run, Progress())
    state = run.checkpoints.load("search")
    assert state is not None, f"{folder} has no state of a search"
    search.load_state_dict(state)
    stream = random.Random(0)
    architectures = [search.space.sample(stream) for _ in range(ARCHITECTURES)]
    real = None if by_inception_score else search.scorer.real
    features = search.judge.feature_dimension

    def rewards(count: int) -> np.ndarray:
        """From the next latents of the search's stream."""
        splits = run.settings.evaluate.inception_splits
        labels = context.wanted_labels(count, "reward/labels")
        scoring = Scoring(search.judge, count, splits, labels)
        gan = search.gan
        scorer = ChildScorer(
            gan.generator, gan.streams.latents, scoring, search.compute, nullcontext
        )
        scorer.real = real
        return np.array([scorer.score(architecture) for architecture in architectures])

    print(
        f"{processor_name()}, {torch.get_num_threads()} thread(s), {search.data.name}, "
        f"{ARCHITECTURES} architectures, {features} features, reward: "
        f"{'Fréchet distance' if real else 'Inception score'}\n"
    )
    print("| images | τ with the order by 5,000 | τ of two times | seconds of one scoring |")
    print("| --- | --- | --- | --- |")
    best = [rewards(MOST), rewards(MOST)]
    for count in (*(n for n in NUMBERS if n > features), MOST):
        began = time.perf_counter()
        pair = [rewards(count), rewards(count)]
        seconds = (time.perf_counter() - began) / (2 * ARCHITECTURES)
        with_best = np.mean([kendall(one, other) for one in pair for other in best])
        print(f"| {count:,} | {with_best:.2f} | {kendall(*pair):.2f} | {seconds:.2f} |", flush=True)
    run.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--inception-score", action="store_true")
    given = parser.parse_args()
    main(given.run, given.inception_score)
