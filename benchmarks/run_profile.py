"""Where the time of a whole run goes, piece by piece: any command of autogan, watched from inside.

    export AUTOGAN_CACHE=$(mktemp -d) OMP_NUM_THREADS=1
    python benchmarks/run_profile.py run --preset demo --out runs/profile

The words after the file's name are those of `autogan`. Prints Markdown: how often each piece of work ran,
its seconds (of a piece that calls another, those outside of the other), processor seconds and share. With an
empty cache the run pays for its images and its judge too.
"""

import functools
import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from autogan.__main__ import main
from autogan.device.processor import processor_name

PIECES = {
    "images: found, decoded, brought to size": "method.context:load_data",
    "precision measured": "method.context:decide_precision",
    "judge: training": "judges.training:NetworkTraining.step",
    "judge: accuracy": "judges.domain:accuracy",
    "images judged: real ones, and for final scores": "judges.scoring:Tally.of",
    "images of a stage's resolution": "images.dataset:DataSet.resized",
    "search: shared training": "method.search:Search.shared_training_step",
    "search: children scored": "method.child_scoring:ChildScorer.score",
    "training: steps": "method.train:Training._train_step",
    "training: validations": "method.train:Training.validate",
    "evaluation: scores": "method.pipeline:evaluate",
    "evaluation: kinds of images": "method.evaluate:measure",
    "pictures": "method.pipeline:write_gallery",
    "report": "report.live:LiveReport.draw",
    "checkpoints": "runs.checkpoints:Checkpoints.save",
    "sealing": "runs.folder:Run.seal",
}
"""The program's functions and methods, MODULE:NAME, whose time is a piece."""


class Watch:
    """Charges time to the innermost piece that runs."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.processor_seconds: Counter[str] = Counter()
        self._inside = ["all else"]
        self._since = time.perf_counter(), time.process_time()

    def charge(self) -> None:
        """What has passed goes to the piece that runs now."""
        now = time.perf_counter(), time.process_time()
        self.seconds[self._inside[-1]] += now[0] - self._since[0]
        self.processor_seconds[self._inside[-1]] += now[1] - self._since[1]
        self._since = now

    def watched(self, piece: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time goes to `piece`."""

        @functools.wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            self.charge()
            self.calls[piece] += 1
            self._inside.append(piece)
            try:
                return function(*given, **named)
            finally:
                self.charge()
                self._inside.pop()

        return call


def watch_all(watch: Watch) -> None:
    """Puts the watch around every piece."""
    for piece, place in PIECES.items():
        module, _, name = place.partition(":")
        owner: Any = importlib.import_module(f"autogan.{module}")
        *classes, attribute = name.split(".")
        for class_name in classes:
            owner = getattr(owner, class_name)
        bound = getattr(owner, attribute)
        watched = watch.watched(piece, getattr(bound, "__func__", bound))
        is_class_method = isinstance(vars(owner).get(attribute), classmethod)
        setattr(owner, attribute, classmethod(watched) if is_class_method else watched)


def print_table(watch: Watch) -> None:
    """Markdown, in the order of the pieces."""
    total = sum(watch.seconds.values())
    print(f"\n{processor_name()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print("| piece | calls | seconds | processor seconds | share |")
    print("| --- | --- | --- | --- | --- |")
    for piece in [*PIECES, "all else"]:
        if watch.seconds[piece]:
            print(
                f"| {piece} | {watch.calls[piece] or ''} | {watch.seconds[piece]:.1f} | "
                f"{watch.processor_seconds[piece]:.1f} | {watch.seconds[piece] / total:.1%} |"
            )
    print(
        f"| together | | {total:.1f} | {sum(watch.processor_seconds.values()):.1f} | |", flush=True
    )


if __name__ == "__main__":
    clock = Watch()
    watch_all(clock)
    try:
        main()
    finally:
        clock.charge()
        print_table(clock)
        sys.stdout.flush()
