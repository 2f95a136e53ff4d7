"""The figure of a comparison of strategies."""

import re

from autogan.report.anytime import anytime_chart


def test_the_figure_is_a_file_of_its_own_with_every_name_and_label() -> None:
    xs = [1.0, 2.0, 3.0]
    series = {f"strategy {n}": ([3.0 - n / 8, 2.0, 1.0], [0.1, 0.1, 0.1]) for n in range(8)}
    figure = anytime_chart(xs, series, ("seconds", "regret"))
    assert figure.startswith("<svg") and figure.rstrip().endswith("</svg>")
    for text in (*series, "seconds", "regret"):
        assert f">{text}<" in figure
    used = set(re.findall(r"var\((--[\w-]+)\)", figure))
    assert used and all(f"{name}: " in figure for name in used)  # no page need give them
    assert "stroke-dasharray" in figure  # past the last colour
    assert figure == anytime_chart(xs, series, ("seconds", "regret"))
