"""What the width of the networks costs: milliseconds of a training step at several numbers of channels.

    OMP_NUM_THREADS=1 python benchmarks/widths.py

A step is a generator step with its discriminator steps, of a preset's recipe and architecture A; both
networks have the same number of channels. The widths take turns, a whole round of penalties each. Prints
Markdown: medians with quartiles, in both precisions, and the time for each square of channels beside that of
the widest.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from autogan.device.processor import processor_name
from autogan.method.context import prepare
from autogan.method.train import Training
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.spaces import search_space

PRECISIONS = ("float32", "bfloat16")


def training(given: argparse.Namespace, channels: int, precision: str, folder: Path) -> Training:
    """One that has made its first steps."""
    sets = [f"data.source={given.data}", "train.start=fresh", f"compute.precision={precision}"]
    sets += [f"train.{network}_channels={channels}" for network in ("generator", "discriminator")]
    settings = load_settings(given.preset, overrides=[*sets, *given.set])
    architecture = search_space("autogan", settings.cells).published()["autogan-a"]
    run = Run.create(folder / f"{precision}-{channels}", settings)
    context = prepare(settings, Progress(), task=Task("train", str(architecture)))
    begun = Training(architecture, 10**6, "widths", context, run, Progress())
    for _ in range(settings.train.objective.penalty_every_steps):
        begun.step()
    return begun


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="own-32")
    parser.add_argument("--data", default="glyphs", help="as data.source")
    parser.add_argument("--set", action="append", default=[], help="a setting for all widths")
    parser.add_argument("--channels", type=int, nargs="+", default=[16, 20, 24, 28, 32, 40, 48])
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    print(f"{processor_name()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print("| precision | channels | milliseconds of a step | for each square of channels |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for precision in PRECISIONS:
            trainings = {c: training(given, c, precision, Path(folder)) for c in given.channels}
            taken: dict[int, list[float]] = {channels: [] for channels in trainings}
            for _ in range(given.rounds):
                for channels, measured in trainings.items():
                    steps = measured.context.settings.train.objective.penalty_every_steps
                    began = time.process_time()
                    for _ in range(steps):
                        measured.step()
                    taken[channels].append(1000 * (time.process_time() - began) / steps)
            widest = max(taken)
            least = statistics.median(taken[widest]) / widest**2
            for channels, milliseconds in taken.items():
                low, middle, high = statistics.quantiles(milliseconds, n=4)
                relative = middle / channels**2 / least
                print(
                    f"| {precision} | {channels} | {middle:.0f} ({low:.0f}–{high:.0f}) | {relative:.1f} × |"
                )


if __name__ == "__main__":
    main()
