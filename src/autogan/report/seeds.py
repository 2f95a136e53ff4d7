"""One task done with several seeds: mean and spread of the scores, and the page that shows them."""

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogan.basics.formatting import SCORES
from autogan.files.storage import write_text
from autogan.report.compare import Comparison, RunColumn, compare_records
from autogan.report.page import pictures_of, render
from autogan.runs.file_names import CONFIG, REPORT
from autogan.runs.record import read_record
from autogan.runs.seeds import Seeds, folder_of_seed, read_seeds, write_seeds


@dataclass(frozen=True)
class Spread:
    """One score over seeds."""

    name: str
    better: str
    values: list[float]

    @property
    def mean(self) -> float:
        """Of the values."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The sample's standard deviation, which one value does not have."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.2g}"
        return f"{self.mean:.4g}{spread}"


def spreads(scores: list[dict[str, Any]]) -> dict[str, Spread]:
    """Of every score that all of them have, by its name in results.json."""
    found = {}
    for key, (name, better) in SCORES.items():
        values = [given for one in scores if (given := one.get(key)) is not None]
        if values and len(values) == len(scores):
            found[key] = Spread(name, better, values)
    return found


def spreads_to_plain(found: dict[str, Spread]) -> dict[str, Any]:
    """As JSON: `mean`, `std` (of the sample) and `values` of each score."""
    return {
        key: {"mean": one.mean, "std": one.deviation, "values": one.values}
        for key, one in found.items()
    }


@dataclass(frozen=True)
class SeedRuns:
    """The runs of a folder of seeds, as far as they have begun."""

    folder: Path
    seeds: Seeds
    columns: list[RunColumn]
    comparison: Comparison

    @property
    def scores(self) -> dict[str, Spread]:
        """Over the runs that have scores; none where these do not compare."""
        if len(self.comparison.groups) != 1:
            return {}
        results = [column.record.results for column in self.comparison.groups[0].columns]
        return spreads([r.scores.to_dict() for r in results if r is not None])

    @property
    def scored(self) -> int:
        """How many runs have scores."""
        return sum(column.record.results is not None for column in self.columns)

    @property
    def ended(self) -> int:
        """How many runs have ended."""
        return sum(column.record.ended for column in self.columns)

    def to_plain(self) -> dict[str, Any]:
        """What seeds.json says beside the task and the seeds."""
        return {
            "ended": self.ended,
            "architectures": {c.title: c.found.text for c in self.columns},
            "scores": spreads_to_plain(self.scores),
        }


def read_seed_runs(folder: Path) -> SeedRuns:
    """Raises `UserError` where the folder does not hold runs with several seeds."""
    seeds = read_seeds(folder)
    folders = [folder_of_seed(folder, seed) for seed in seeds.seeds]
    records = [read_record(run) for run in folders if (run / CONFIG).is_file()]
    columns, comparison = compare_records(records)
    return SeedRuns(folder, seeds, columns, comparison)


def write_seed_report(folder: Path) -> SeedRuns:
    """seeds.json and report.html of a folder of seeds, as its runs stand now."""
    runs = read_seed_runs(folder)
    write_seeds(folder, runs.seeds, runs.to_plain())
    page = render(
        "seeds.html.j2",
        runs=runs,
        report=REPORT,
        pictures={column.title: pictures_of(column.record) for column in runs.columns},
    )
    write_text(folder / REPORT, page)
    return runs
