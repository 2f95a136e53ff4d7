"""A comparison of strategies as files and words: a table in Markdown, a figure, and all regrets."""

from dataclasses import asdict
from pathlib import Path

from autogan.files.storage import write_json, write_text
from autogan.report.anytime import anytime_chart
from autogan.trials.comparison import Comparison

COLUMNS = (
    "strategy",
    "regret at the end",
    "over the whole time",
    "rank",
    "better than average",
    "p",
)


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """One for each strategy, the lowest regret at the end first; as `COLUMNS`."""
    return [
        (
            standing.name,
            f"{standing.regret:.3f} ± {standing.errors[-1]:.3f}",
            f"{standing.mean_anytime:.3f}",
            f"{standing.rank:.2f}",
            f"{standing.improvement:.1%}",
            "–" if standing.p_value is None else f"{standing.p_value:.2g}",
        )
        for standing in comparison.standings
    ]


def introduction(comparison: Comparison) -> str:
    """What the table is of, in a few sentences."""
    trainings = comparison.moments[-1] / comparison.training_seconds
    clocks = (
        f" The seconds are of {comparison.machines} machines, taken for one."
        if comparison.machines > 1
        else ""
    )
    return (
        f"{comparison.seeds} searches with each strategy on {comparison.table} "
        f"({comparison.members:,} architectures), each {comparison.moments[-1]:,.0f} simulated seconds: "
        f"{trainings:g} average trainings. Of the {_name(comparison)} on test latents "
        f"the best architecture has {comparison.optimum:.3f}, the average one {comparison.average:.3f}."
        f"{clocks}"
    )


def _name(comparison: Comparison) -> str:
    return comparison.score.replace("_", " ").replace("frechet", "Fréchet")


def in_markdown(comparison: Comparison) -> str:
    """The table with its introduction."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(comparison)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{introduction(comparison)}\n\n{table}\n"


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """comparison.json, comparison.md and regret.svg in a new folder."""
    folder.mkdir(parents=True)
    write_json(folder / "comparison.json", asdict(comparison))
    write_text(folder / "comparison.md", in_markdown(comparison))
    series = {s.name: (s.anytime, s.errors) for s in comparison.standings}
    labels = ("simulated seconds", f"regret ({_name(comparison)} on test latents)")
    write_text(folder / "regret.svg", anytime_chart(comparison.moments, series, labels))
