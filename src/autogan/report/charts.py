"""The charts of a report: matplotlib figures as SVG text that follows the page's colours.

A figure is drawn with stand-in colours, one for each of the page's CSS variables, and these are
replaced in the SVG; so one drawing is right in light, dark and print. Text stays text.
"""

import io
import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, GRID, ALERT = "#010203", "#010204", "#010205", "#010206"
SERIES = ("#010211", "#010212", "#010213", "#010214", "#010215", "#010216")
_VARIABLES = {
    INK: "--ink",
    SOFT: "--soft",
    GRID: "--grid",
    ALERT: "--alert",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "autogan",
    "font.size": 9.5,
    "axes.edgecolor": GRID,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
}
_OPTIONS_IN_A_LINE = 3
"""In the legend of a small chart."""
Segment = tuple[tuple[float, float], tuple[float, float]]
"""From one point to another."""
MOST_POINTS = 400
"""Longer curves are drawn as means of equal stretches: a page holds many charts."""


def draw(name: str, width: float, height: float, plot: Callable[["Figure"], None]) -> str:
    """The SVG of what `plot` draws on an empty figure of width × height inches.

    name: goes in front of all ids of the SVG, which must differ from those of its neighbours.
    """
    os.environ["MPLBACKEND"] = (
        "svg"  # no window is opened; matplotlib refuses a name it does not know
    )
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc has no say here
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        plot(figure)
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.execute(figure)
        figure.set_layout_engine("none")  # saving would lay it out twice more
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(file.getvalue(), name)


def _for_page(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"(font: [^;\"]*?px) [^;\"]*", r"\1 var(--font)", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'((?:xlink:)?href="|url\()#', rf"\1#{name}-", svg)
    return svg.replace("<svg ", '<svg class="chart" ', 1)


def thinned(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """x and y of a curve, as means of equal stretches where it has more than MOST_POINTS."""
    stretch = -(-len(points) // MOST_POINTS)
    xs, ys = [], []
    for start in range(0, len(points), stretch or 1):
        part = points[start : start + stretch]
        xs.append(sum(x for x, _ in part) / len(part))
        ys.append(sum(y for _, y in part) / len(part))
    return xs, ys


def mark(axes: "Axes", boundaries: Iterable[tuple[float, str]], resets: Iterable[float]) -> None:
    """Stage boundaries as lines with the name of the stage that begins, resets as dashed lines."""
    for x, words in boundaries:
        axes.axvline(x, color=SOFT, linewidth=0.9)
        axes.annotate(
            words,
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=8.5,
            color=SOFT,
        )
    for number, x in enumerate(resets):
        label = "dynamic reset" if number == 0 else None
        axes.axvline(x, color=ALERT, linewidth=1.0, linestyle=(0, (4, 3)), label=label)


def curves(
    name: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    labels: tuple[str, str],
    boundaries: Sequence[tuple[float, str]] = (),
    resets: Sequence[float] = (),
    limits: tuple[float, float] | None = None,
    markers: bool = False,
) -> str:
    """Curves by name over a common x. labels: of x and y; limits: of y."""

    def plot(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for colour, (title, points) in zip(itertools.cycle(SERIES), series.items(), strict=False):
            xs, ys = thinned(points)
            dots = "o" if markers or len(xs) == 1 else None
            axes.plot(xs, ys, color=colour, label=title, marker=dots, markersize=3.5)
        mark(axes, boundaries, resets)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        _count_along(axes)
        if limits:
            axes.set_ylim(*limits)
        _legend(figure, axes)

    return draw(name, 5.0, 3.1, plot)


def scatter(
    name: str,
    groups: Mapping[str, Sequence[tuple[float, float]]],
    line: Sequence[tuple[float, float]],
    line_name: str,
    labels: tuple[str, str],
    boundaries: Sequence[tuple[float, str]],
    resets: Sequence[float],
    names: Mapping[tuple[float, float], str] | None = None,
) -> str:
    """Dots by group, and one line through them. names: of some dots, written beside them."""

    def plot(figure: "Figure") -> None:
        axes = figure.add_subplot()
        shapes = zip(SERIES, ("o", "D", "s"), groups.items(), strict=False)
        for colour, shape, (title, points) in shapes:
            size = 3.0 if shape == "o" else 4.5
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                linestyle="none",
                marker=shape,
                markersize=size,
                color=colour,
                alpha=0.6 if shape == "o" else 1,
                markeredgewidth=0,
                label=title,
            )
        axes.plot(*thinned(line), color=INK, linewidth=1.2, label=line_name)
        for point, title in (names or {}).items():
            axes.annotate(
                title, point, xytext=(4, 4), textcoords="offset points", fontsize=8, color=INK
            )
        mark(axes, boundaries, resets)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        _count_along(axes)
        _legend(figure, axes)

    return draw(name, 5.0, 3.1, plot)


def bars(name: str, lengths: Mapping[str, float], label: str) -> str:
    """One bar for each name, the first on top. label: of the lengths."""

    def plot(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.barh(range(len(lengths)), list(lengths.values()), color=SERIES[0], height=0.6)
        axes.set_yticks(range(len(lengths)), list(lengths))
        axes.invert_yaxis()
        axes.set_xlabel(label)
        axes.grid(axis="y", visible=False)

    return draw(name, 5.0, 0.8 + 0.26 * len(lengths), plot)


@dataclass(frozen=True)
class Span:
    """A stretch of a timeline, of one kind. cut: whether it ended by a death."""

    begin: float
    end: float
    kind: str
    cut: bool = False


def timeline(
    name: str, rows: Mapping[str, Sequence[Span]], kinds: Sequence[str], label: str
) -> str:
    """One line for each row, the first on top, with its spans. kinds: in the order of their colours."""

    def plot(figure: "Figure") -> None:
        axes = figure.add_subplot()
        everything = [(row, span) for row, spans in enumerate(rows.values()) for span in spans]
        used = [kind for kind in kinds if any(span.kind == kind for _, span in everything)]
        for colour, kind in zip(itertools.cycle(SERIES), used, strict=False):
            of_kind = [(row, span) for row, span in everything if span.kind == kind]
            axes.barh(
                [row for row, _ in of_kind],
                [span.end - span.begin for _, span in of_kind],
                left=[span.begin for _, span in of_kind],
                height=0.62,
                color=colour,
                alpha=0.85,
                edgecolor=GRID,
                linewidth=0.5,
                label=kind,
            )
        cut = [(span.end, row) for row, span in everything if span.cut]
        axes.plot([x for x, _ in cut], [y for _, y in cut], "x", color=ALERT, markersize=8, mew=2.2)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel(label)
        axes.grid(axis="y", visible=False)
        _count_along(axes)
        _legend(figure, axes)

    return draw(name, 10.4, 1.3 + 0.27 * len(rows), plot)


def families(
    name: str,
    points: Sequence[tuple[float, float]],
    ways: Mapping[str, Sequence[Segment]],
    line: Sequence[tuple[float, float]],
    line_name: str,
    labels: tuple[str, str],
) -> str:
    """Dots, segments between them by kind, and one line through some of them."""

    def plot(figure: "Figure") -> None:
        from matplotlib.collections import LineCollection

        axes = figure.add_subplot()
        for colour, (title, segments) in zip((SERIES[2], SOFT), ways.items(), strict=False):
            if segments:
                lines = LineCollection([list(s) for s in segments], color=colour, label=title)
                lines.set(linewidth=0.9, alpha=0.6)
                axes.add_collection(lines)
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            "o",
            color=SERIES[0],
            markersize=3.5,
            mew=0,
        )
        if len(line) > 1:
            axes.plot(*zip(*line, strict=True), color=SERIES[1], linewidth=2.0, label=line_name)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        _count_along(axes)
        _legend(figure, axes)

    return draw(name, 10.4, 3.6, plot)


def shares(
    name: str,
    panels: dict[str, dict[str, list[float]]],
    xs: Sequence[int],
    boundaries: Sequence[tuple[float, str]],
    stacked: frozenset[str],
) -> str:
    """Small charts side by side: per panel the share (0 to 1) of every option at every x.

    stacked: the panels whose options exclude each other, and so fill the height; lines in the others.
    """

    def plot(figure: "Figure") -> None:
        rows = -(-len(panels) // 3)
        figure.set_layout_engine("constrained", h_pad=0.12, hspace=0.04)
        grid = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes, (title, options) in zip(grid.flat, panels.items(), strict=False):
            bottom = [0.0] * len(xs)
            for number, (option, values) in enumerate(options.items()):
                # Past the last colour they come again, paler.
                look = {
                    "color": SERIES[number % len(SERIES)],
                    "alpha": 0.45 if number >= len(SERIES) else None,
                    "label": option,
                }
                if title in stacked:
                    axes.bar(xs, values, width=0.9, bottom=bottom, **look)
                    bottom = [b + v for b, v in zip(bottom, values, strict=True)]
                else:
                    axes.plot(xs, values, marker="o", markersize=3, **look)
            for x, _ in boundaries:
                axes.axvline(x, color=INK, linewidth=0.9)
            axes.set_ylim(0, 1.02)
            lines = -(-len(options) // _OPTIONS_IN_A_LINE)
            axes.set_title(title, pad=24 + 13 * max(0, lines - 1))
            _count_along(axes)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            axes.tick_params(labelbottom=True)
            axes.legend(
                loc="lower left",
                bbox_to_anchor=(-0.02, 1.0),
                ncols=max(1, min(len(options), _OPTIONS_IN_A_LINE)),
                borderaxespad=0.2,
                handlelength=1.0,
                handletextpad=0.4,
                columnspacing=1.0,
                fontsize=8.5,
            )

    return draw(name, 10.4, 2.75 * -(-len(panels) // 3), plot)


def _count_along(axes: "Axes") -> None:
    """Few whole numbers along x, long ones written short: 200k, 1.5M."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _legend(figure: "Figure", axes: "Axes") -> None:
    """Below the chart, so that it never lies on what it explains."""
    handles, titles = axes.get_legend_handles_labels()
    if len(titles) > 1:
        figure.legend(
            handles,
            titles,
            loc="outside lower left",
            ncols=3 if max(map(len, titles)) < 16 else 2,
            handlelength=1.4,
            columnspacing=1.4,
        )
