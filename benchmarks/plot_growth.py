"""Draws how cost grows from the output of `autogan bench --growth --json`.

autogan bench --growth --json > bench.json
python benchmarks/plot_growth.py bench.json docs/pictures/growth.png
"""

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure

LABELS = {
    "width": "channels of both networks",
    "resolution": "pixels a side",
    "images": "images of a child that is scored",
}


def draw(points: list[dict[str, float]]) -> Figure:
    """Time and work of each axis, both relative to its smallest value, on logarithmic scales."""
    axes_names = list(dict.fromkeys(str(point["axis"]) for point in points))
    figure = Figure(figsize=(3.6 * len(axes_names), 3.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(axes_names)), axes_names, strict=True):
        chosen = [point for point in points if point["axis"] == name]
        values = [point["value"] for point in chosen]
        for key, label, style in (
            ("floating_point_operations", "work", "--"),
            ("median_ms", "time", "o-"),
        ):
            first = chosen[0][key]
            axes.plot(values, [point[key] / first for point in chosen], style, label=label)
        axes.set(xscale="log", yscale="log", xlabel=LABELS[name], ylabel="times the smallest")
        axes.set_xticks(values, [str(value) for value in values])
        axes.minorticks_off()
        axes.legend()
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measured", type=Path, help="what autogan bench --growth --json printed")
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    draw(json.loads(given.measured.read_text())["growth"]).savefig(given.picture, dpi=120)
