"""Progress as a person sees it: one live display in a terminal, plain lines where output is piped."""

import time
from collections import deque
from collections.abc import Mapping
from threading import Lock
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autogan.basics.formatting import SCORES, duration, millions, score_text
from autogan.progress.base import Cost, Progress
from autogan.progress.eta import Eta, Measured

PLAIN_LINE_EVERY_SECONDS = 20.0
REFRESHES_PER_SECOND = 2
SPEED_OVER_SECONDS = 10.0


class TerminalProgress(Progress):
    """Shows progress on a console; to be used as a context manager around long work."""

    def __init__(
        self, console: Console, title: str, remembered: Mapping[str, Measured] | None = None
    ) -> None:
        """remembered: how fast this machine was in an earlier run, by kind of work."""
        self.console = console
        self.title = title
        self.eta = Eta(remembered=remembered)
        self._lock = Lock()  # the display is drawn by a thread of its own
        self._part = "starting"
        self._what = ""
        self._figures: dict[str, float] = {}
        self._last_line = 0.0
        self._recent: deque[tuple[float, float]] = deque()  # time, images
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def plan(self, parts: dict[str, list[Cost]]) -> None:
        with self._lock:
            self.eta.plan(parts)

    def start(self, part: str) -> None:
        with self._lock:
            self.eta.start(part)
            self._part = part
            self._what = ""
            self._figures.clear()
            self._recent.clear()
        self._plain_line(now=True)

    def status(self, what: str) -> None:
        self._what = what
        self._plain_line()

    def advance(self, cost: Cost) -> None:
        with self._lock:
            self.eta.advance(cost)
            self._recent.append((time.monotonic(), cost.images))
        self._plain_line()

    def skipped(self, costs: list[Cost]) -> None:
        with self._lock:
            self.eta.skipped(costs)

    def metric(self, name: str, value: float) -> None:
        with self._lock:
            self._figures[name.replace("_", " ")] = value
            if name == "reward":
                best = self._figures.get("best reward")
                self._figures["best reward"] = value if best is None else max(best, value)

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _times(self) -> str:
        left = self.eta.seconds_left
        remaining = "time left: to be measured" if left is None else f"about {duration(left)} left"
        return f"{duration(self.eta.elapsed_seconds)} so far, {remaining}"

    def _speed_text(self) -> str:
        """Images a second over the latest seconds: real and generated ones, as they pass through."""
        now = time.monotonic()
        while self._recent and now - self._recent[0][0] > SPEED_OVER_SECONDS:
            self._recent.popleft()
        if len(self._recent) < 2:
            return ""
        images = sum(number for _, number in self._recent) - self._recent[0][1]
        return f"{images / (now - self._recent[0][0]):,.0f} images/s"

    def _figures_text(self) -> str:
        return " · ".join(f"{name} {value:.3f}" for name, value in self._figures.items())

    def _plain_line(self, now: bool = False) -> None:
        if self.console.is_terminal:
            return
        if not now and time.monotonic() - self._last_line < PLAIN_LINE_EVERY_SECONDS:
            return
        self._last_line = time.monotonic()
        parts = [
            f"{self.eta.share:4.0%}",
            self._part,
            self._what,
            self._figures_text(),
            self._speed_text(),
            self._times(),
        ]
        self.console.print(
            " | ".join(part for part in parts if part),
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def _render(self) -> RenderableType:
        with self._lock:
            return self._display()

    def _display(self) -> RenderableType:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            Text(self.title, style="bold"),
            ProgressBar(total=1.0, completed=self.eta.share, width=30),
            Text(f"{self.eta.share:.0%}"),
            Text(self._times(), style="dim"),
        )
        figures = " · ".join(text for text in (self._figures_text(), self._speed_text()) if text)
        return Group(bar, Text(f"{self._part}  {self._what}"), Text(figures, style="cyan"))


def results_table(results: dict[str, Any]) -> RenderableType:
    """The found architecture and its scores between an untrained generator's and real images'."""
    judge = results["judge"]
    table = Table(
        title=Text(
            f"Scores by the judge {judge['name']} on {results['data']['name']}, protocol "
            f"{results['protocol']['name']}"
        )
    )
    columns = {
        "untrained": "untrained",
        "scores": "this generator",
        "as_few": "few of its images",
        "floor": "as few real ones" if results.get("as_few") else "real images",
    }
    columns = {who: title for who, title in columns.items() if results.get(who)}
    for column in ("", *columns.values(), "better is"):
        table.add_column(column, justify="left" if not column else "right")
    for key, (name, better) in SCORES.items():
        values = [score_text(results[who], key) for who in columns]
        table.add_row(name, *values, better)
    table.add_row("images judged", *(f"{results[who]['images']:,}" for who in columns), "")
    vector = "Vector" if ":" in results["architecture"] else "Authors' vector"  # of a named space
    found = (
        f"Architecture: {results['architecture']}\n"
        f"{vector}: {results['vector']}\n"
        f"{results['parameters']:,} parameters, {millions(results['multiply_accumulates'])} million "
        f"multiply-accumulates an image of {results['image_size']}×{results['image_size']}\n"
        f"{_skill(judge)}Scores compare with others of this judge and protocol only."
    )
    marks = [
        Text(f"{title}: {mark}") for who, title in columns.items() for mark in results[who]["marks"]
    ]
    return Group(Text(found), table, *marks)


def _skill(judge: dict[str, Any]) -> str:
    """How well a domain judge does its task."""
    if "held_out_accuracy" not in judge:
        return ""
    images = f"{judge['held_out_accuracy']:.1%} of held-out real images"
    if judge.get("task") == "rotation":
        return f"The images have no classes; the judge tells of {images} which way up they are. "
    return f"The judge puts {images} into their class. "
