"""Progress as a person sees it: one live display in a terminal, plain lines where output is piped."""

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autogan.progress import Progress

PLAIN_LINE_EVERY_SECONDS = 20.0
REFRESHES_PER_SECOND = 2


class Clock:
    """Time left, from the work planned and the mean speed so far.

    Steps at a low resolution are slower for their work than later ones, so the first estimates of a
    search are too long.
    """

    def __init__(self) -> None:
        self.planned: dict[str, float] = {}
        self.done: dict[str, float] = {}
        self._began = time.monotonic()

    def plan(self, work: dict[str, float]) -> None:
        """A new plan; parts that were done already keep what they took."""
        self.planned = {**{part: self.done[part] for part in self.done}, **work}

    def start(self, part: str) -> None:
        """What earlier parts planned and did not need is taken out of the plan."""
        for earlier in self.planned:
            if earlier == part:
                break
            self.planned[earlier] = self.done.get(earlier, 0.0)
        self.planned.setdefault(part, 0.0)
        self.done.setdefault(part, 0.0)

    def spent(self, part: str, work: float) -> None:
        """Work of a part that was done."""
        self.done[part] = self.done.get(part, 0.0) + work
        self.planned[part] = max(self.planned.get(part, 0.0), self.done[part])

    @property
    def elapsed_seconds(self) -> float:
        """Since the clock was made."""
        return time.monotonic() - self._began

    @property
    def share(self) -> float:
        """Done part of the plan, 0 to 1."""
        planned = sum(self.planned.values())
        return sum(self.done.values()) / planned if planned else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Unknown until a fiftieth of the plan is done."""
        if self.share < 0.02:
            return None
        return self.elapsed_seconds * (1 - self.share) / self.share


class TerminalProgress(Progress):
    """Shows progress on a console; to be used as a context manager around long work."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.title = title
        self.clock = Clock()
        self._part = ""
        self._what = ""
        self._figures: dict[str, float] = {}
        self._last_line = 0.0
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

    def plan(self, work: dict[str, float]) -> None:
        self.clock.plan(work)

    def start(self, part: str) -> None:
        self.clock.start(part)
        self._part = part
        self._figures.clear()
        self.doing("")
        self._plain_line(now=True)

    def doing(self, what: str) -> None:
        self._what = what
        self._plain_line()

    def spent(self, work: float) -> None:
        self.clock.spent(self._part, work)
        self._plain_line()

    def figure(self, name: str, value: float) -> None:
        self._figures[name.replace("_", " ")] = value
        if name == "reward":
            best = self._figures.get("best reward")
            self._figures["best reward"] = value if best is None else max(best, value)

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _times(self) -> str:
        left = self.clock.seconds_left
        remaining = "time left: to be measured" if left is None else f"about {_minutes(left)} left"
        return f"{_minutes(self.clock.elapsed_seconds)} so far, {remaining}"

    def _figures_text(self) -> str:
        return " · ".join(f"{name} {value:.3f}" for name, value in self._figures.items())

    def _plain_line(self, now: bool = False) -> None:
        if self.console.is_terminal:
            return
        if not now and time.monotonic() - self._last_line < PLAIN_LINE_EVERY_SECONDS:
            return
        self._last_line = time.monotonic()
        parts = [
            f"{self.clock.share:4.0%}",
            self._part,
            self._what,
            self._figures_text(),
            self._times(),
        ]
        self.console.print(
            " | ".join(part for part in parts if part),
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def _render(self) -> RenderableType:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            Text(self.title, style="bold"),
            ProgressBar(total=1.0, completed=self.clock.share, width=30),
            Text(f"{self.clock.share:.0%}"),
            Text(self._times(), style="dim"),
        )
        return Group(
            bar, Text(f"{self._part}  {self._what}"), Text(self._figures_text(), style="cyan")
        )


SCORES = {
    "inception_score": ("inception score", "higher"),
    "frechet_distance": ("Fréchet distance", "lower"),
    "kernel_distance": ("kernel distance", "lower"),
    "precision": ("precision", "higher"),
    "recall": ("recall", "higher"),
}


def results_table(results: dict[str, Any]) -> RenderableType:
    """The found architecture and its scores between "untrained" and "floor"."""
    judge = results["judge"]
    table = Table(title=f"Scores by the judge {judge['name']} on {results['data']['name']}")
    for column in ("", "untrained", "this generator", "floor (real images)", "better is"):
        table.add_column(column, justify="left" if not column else "right")
    for key, (name, better) in SCORES.items():
        values = [_score_text(results[who], key) for who in ("untrained", "scores", "floor")]
        table.add_row(name, *values, better)
    counts = [f"{results[who]['images']:,}" for who in ("untrained", "scores", "floor")]
    table.add_row("images judged", *counts, "")
    found = (
        f"Architecture: {results['architecture']}\n"
        f"Authors' vector: {results['vector']}\n"
        f"{results['parameters']:,} parameters, {results['multiply_accumulates'] / 1e6:,.0f} million "
        f"multiply-accumulates an image of {results['image_size']}×{results['image_size']}\n"
        f"The judge puts {judge['held_out_accuracy']:.1%} of held-out real images into their class; "
        "its scores compare with others of this judge only."
    )
    return Group(Text(found), table)


def _score_text(scores: dict[str, Any], key: str) -> str:
    spread = scores.get(f"{key}_std")
    return f"{scores[key]:.4g}" if spread is None else f"{scores[key]:.4g} ± {spread:.2g}"


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{whole % 60:02d} min"
