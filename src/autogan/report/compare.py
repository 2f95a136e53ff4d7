"""Runs side by side, in groups whose scores compare: of one judge, on one data set, by one protocol."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogan.basics.formatting import SCORES, score_text
from autogan.report.page import Found, find, pictures_of, render
from autogan.report.quality import protocol_words
from autogan.runs.contents import Results
from autogan.runs.record import RunRecord, read_record


@dataclass(frozen=True)
class RunColumn:
    """One run in a comparison: its title (the shortest path that tells it from the others)."""

    title: str
    record: RunRecord
    found: Found


@dataclass(frozen=True)
class RunGroup:
    """Runs whose scores compare: `judge`, `data` and `terms` (images, protocol) say what made them."""

    judge: str
    data: str
    terms: str
    columns: list[RunColumn]

    def _results(self) -> list[Results]:
        found = [column.record.results for column in self.columns]
        return [results for results in found if results is not None]

    def rows(self) -> list[tuple[str, list[str], list[bool]]]:
        """For every score a name with what is better, the values, and which of them are best."""
        table = []
        for key, (name, better) in SCORES.items():
            scores = [results.scores.to_dict() for results in self._results()]
            values = [s.get(key) for s in scores]
            given = [v for v in values if v is not None]
            if given:
                best = min(given) if better == "lower" else max(given)
                texts = [score_text(s, key) for s in scores]
                table.append((f"{name} ({better} is better)", texts, [v == best for v in values]))
        return table

    def facts(self) -> list[tuple[str, list[str]]]:
        """What the runs found and what it cost."""
        results = self._results()
        return [
            ("Architecture", [r.architecture for r in results]),
            ("Parameters", [f"{r.parameters:,}" for r in results]),
            ("Multiply-accumulates", [f"{r.multiply_accumulates:,}" for r in results]),
            ("Seconds", [f"{sum(r.seconds.values()):,.0f}" for r in results]),
            ("Seed", [str(column.record.setting("seed")) for column in self.columns]),
        ]


@dataclass(frozen=True)
class Comparison:
    """Groups of runs that have scores, and the runs that have none."""

    groups: list[RunGroup]
    without_scores: list[RunColumn]

    @property
    def caution(self) -> str:
        """Why there are several tables; "" where all scores compare."""
        if len(self.groups) < 2:
            return ""
        return (
            "These runs were not all measured by the same judge, on the same data and under the same "
            "protocol. Scores compare within a table, never from one table to another."
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON: `groups` of runs with their scores, and the folders of `without_scores`."""

        def described(column: RunColumn, results: Results) -> dict[str, Any]:
            return {
                "run": str(column.record.folder),
                "architecture": results.architecture,
                "parameters": results.parameters,
                "multiply_accumulates": results.multiply_accumulates,
                "seconds": results.seconds,
                "scores": results.scores.to_dict(),
            }

        return {
            "groups": [
                {
                    "judge": group.judge,
                    "data": group.data,
                    "terms": group.terms,
                    "runs": list(map(described, group.columns, group._results())),
                }
                for group in self.groups
            ],
            "without_scores": [str(c.record.folder) for c in self.without_scores],
        }


def compare(folders: Sequence[Path]) -> Comparison:
    """Reads the runs; raises `UserError` where a folder holds none."""
    return compare_records([read_record(folder) for folder in folders])[1]


def compare_records(records: Sequence[RunRecord]) -> tuple[list[RunColumn], Comparison]:
    """A column for each run, in their order, and these in groups."""
    columns = [
        RunColumn(title, record, find(record))
        for title, record in zip(_titles([r.folder for r in records]), records, strict=True)
    ]
    groups: dict[tuple[str, ...], RunGroup] = {}
    for column in columns:
        results = column.record.results
        if results is None:
            continue
        data, terms = results.data, protocol_words(results)
        judge, name = results.judge.name, data.name
        key = (judge, data.digest, terms, str(results.protocol.inception_splits))
        groups.setdefault(key, RunGroup(judge, name, terms, [])).columns.append(column)
    without_scores = [column for column in columns if column.record.results is None]
    return columns, Comparison(list(groups.values()), without_scores)


def comparison_page(comparison: Comparison) -> str:
    """The HTML of a comparison: tables, diagrams and samples side by side."""
    return render(
        "compare.html.j2",
        comparison=comparison,
        pictures={c.title: pictures_of(c.record) for g in comparison.groups for c in g.columns},
    )


def _titles(folders: Iterable[Path]) -> list[str]:
    """Folder names, or whole paths where two names are the same."""
    names = [folder.resolve().name for folder in folders]
    return [
        name if names.count(name) == 1 else str(folder)
        for name, folder in zip(names, folders, strict=True)
    ]
