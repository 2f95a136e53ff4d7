"""The figure of a comparison of strategies: what each has reached by when, as an SVG file of its own."""

import importlib.resources
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autogan.report.charts import SERIES, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = ("solid", (0, (5, 2)))
"""Past the last colour they come again, dashed."""


def anytime_chart(
    xs: Sequence[float],
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    labels: tuple[str, str],
) -> str:
    """Means by name over a common x, with a band of one standard error to each side, as a whole SVG file.

    series: means and standard errors. labels: of x and y.
    """

    def plot(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for number, (name, (means, errors)) in enumerate(series.items()):
            colour = SERIES[number % len(SERIES)]
            line = LINES[number // len(SERIES) % len(LINES)]
            axes.plot(xs, means, color=colour, linestyle=line, label=name)
            low = [mean - error for mean, error in zip(means, errors, strict=True)]
            high = [mean + error for mean, error in zip(means, errors, strict=True)]
            axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        figure.legend(loc="outside lower left", ncols=4, handlelength=2.4)

    return _standalone(draw("anytime", 7.2, 4.4, plot))


def _standalone(svg: str) -> str:
    """A chart of a page as a file of its own: with the page's colours, for light and dark."""
    style = importlib.resources.files("autogan.report") / "templates" / "style.css"
    variables = style.read_text(encoding="utf-8").partition("* {")[0]
    return svg.replace(">", f"><style>{variables}\nsvg {{ background: var(--paper) }}</style>", 1)
