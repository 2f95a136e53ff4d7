"""The published tables, and the place of one's own results in them. Plain values, no torch.

Figures are those of the AutoGAN paper (its tables 1 and 2) and of later papers, as these print them.
A row's protocol is named only where its own paper states it; figures that others quote are of each
quoted paper's own protocol. Own results stand in a table only beside rows of the same data, size,
judge and protocol.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from autogan.runs.contents import Evaluated

JUDGE = "inception-2015"
"""The judge of all published rows: the Inception network of 2015."""
NOT_STATED = "not stated"
PROTOCOLS = ("autogan-paper", "sngan", NOT_STATED)
"""Of the rows, by the names in `protocols.py`."""


@dataclass(frozen=True)
class Table:
    """One data set at one size."""

    data: str
    """Name of the data set, as `DataSet.name`."""
    image_size: int


CIFAR10 = Table("CIFAR-10", 32)
STL10 = Table("STL-10", 48)
TABLES = (CIFAR10, STL10)


@dataclass(frozen=True)
class Row:
    """One line of a published table; None: not published."""

    table: Table
    system: str
    source: str
    protocol: str = NOT_STATED
    inception_score: float | None = None
    inception_score_std: float | None = None
    frechet_distance: float | None = None
    frechet_distance_std: float | None = None
    searched: str = ""
    """What was searched and how; empty: designed by hand."""
    search_cost: str = ""
    million_parameters: float | None = None
    """Of the generator."""


_QUOTED = "quoted in Gong et al. 2019, arXiv 1908.03835"
_PAPER = "Gong et al. 2019, arXiv 1908.03835"


def _hand_made(
    table: Table,
    system: str,
    inception: tuple[float, float | None] | None = None,
    frechet: tuple[float, float | None] | None = None,
    protocol: str = NOT_STATED,
) -> Row:
    score, score_std = inception or (None, None)
    distance, distance_std = frechet or (None, None)
    return Row(table, system, _QUOTED, protocol, score, score_std, distance, distance_std)


def _searched(
    system: str,
    searched: str,
    cost: str,
    cifar10: tuple[float, float],
    stl10: tuple[float, float],
    million_parameters: float | None = None,
) -> list[Row]:
    return [
        Row(
            table,
            system,
            "its own paper",
            inception_score=score,
            frechet_distance=distance,
            searched=searched,
            search_cost=cost,
            million_parameters=million_parameters,
        )
        for table, (score, distance) in ((CIFAR10, cifar10), (STL10, stl10))
    ]


def _autogan(system: str, table: Table, score: float, std: float, distance: float) -> Row:
    return Row(
        table,
        system,
        _PAPER,
        "autogan-paper",
        score,
        std,
        distance,
        searched="G, reinforcement learning and beams",
        search_cost="43 hours",
        million_parameters=4.4 if system in ("AutoGAN", "AutoGAN top 1") else None,
    )


ROWS: tuple[Row, ...] = (
    _hand_made(CIFAR10, "DCGAN", (6.64, 0.14)),
    _hand_made(CIFAR10, "Improved GAN", (6.86, 0.06)),
    _hand_made(CIFAR10, "LRGAN", (7.17, 0.17)),
    _hand_made(CIFAR10, "DFM", (7.72, 0.13)),
    _hand_made(CIFAR10, "ProbGAN", (7.75, None), (24.60, None)),
    _hand_made(CIFAR10, "WGAN-GP, ResNet", (7.86, 0.07)),
    _hand_made(CIFAR10, "Splitting GAN", (7.90, 0.09)),
    _hand_made(CIFAR10, "SN-GAN", (8.22, 0.05), (21.7, 0.01), "sngan"),
    _hand_made(CIFAR10, "MGAN", (8.33, 0.10), (26.7, None)),
    _hand_made(CIFAR10, "Dist-GAN", None, (17.61, 0.30)),
    _hand_made(CIFAR10, "Progressive GAN", (8.80, 0.05)),
    _hand_made(CIFAR10, "Improving MMD GAN", (8.29, None), (16.21, None)),
    _autogan("AutoGAN top 1", CIFAR10, 8.55, 0.10, 12.42),
    _autogan("AutoGAN top 2", CIFAR10, 8.42, 0.06, 13.67),
    _autogan("AutoGAN top 3", CIFAR10, 8.41, 0.12, 13.87),
    _hand_made(STL10, "D2GAN", (7.98, None)),
    _hand_made(STL10, "DFM", (8.51, 0.13)),
    _hand_made(STL10, "ProbGAN", (8.87, 0.095), (46.74, None)),
    _hand_made(STL10, "SN-GAN", (9.10, 0.04), (40.1, 0.50), "sngan"),
    _hand_made(STL10, "Dist-GAN", None, (36.19, None)),
    _hand_made(STL10, "Improving MMD GAN", (9.34, None), (37.63, None)),
    _autogan("AutoGAN", STL10, 9.16, 0.12, 31.01),
    *_searched("AGAN 2019", "G, reinforcement learning", "", (8.29, 30.5), (9.23, 52.7), 20.1),
    *_searched("DEGAS 2019", "G, gradients", "", (8.37, 12.01), (9.71, 28.76)),
    *_searched(
        "AdversarialNAS 2020", "G + D, gradients", "1 GPU-day", (8.74, 10.87), (9.63, 26.98), 8.8
    ),
    *_searched("E2GAN 2020", "G, off-policy RL", "7 hours", (8.51, 11.26), (9.51, 25.35)),
    *_searched("EAGAN 2022", "G then D, evolution", "1.2 GPU-days", (8.81, 9.91), (10.44, 22.18)),
    *_searched("CAGAN 2024", "evolution", "0.35 GPU-days", (8.96, 9.45), (10.39, 19.34)),
    *_searched("EWSGAN 2024", "G, evolution", "", (8.99, 9.09), (10.51, 21.89)),
    *_searched(
        "MMD-AdversarialNAS 2024, large",
        "G + D, gradients, MMD loss",
        "",
        (9.62, 5.83),
        (11.60, 12.91),
        20.2,
    ),
    *_searched(
        "MMD-AdversarialNAS 2024, small",
        "G + D, gradients, MMD loss",
        "",
        (9.32, 7.48),
        (11.39, 14.57),
        5.9,
    ),
)
NOTE = (
    "Protocols differ between papers, and gaps below 1 in Fréchet distance mean little: the same "
    "architecture trained from six seeds (MMD-AdversarialNAS, CIFAR-10) gave 6.11 ± 0.51."
)


@dataclass(frozen=True)
class OwnResult:
    """What a results.json (or `autogan evaluate --json`) says, and where it was read."""

    name: str
    results: Evaluated

    def as_row(self, table: Table) -> Row:
        """As a line of a table."""
        scores, protocol = self.results.scores, self.results.protocol
        return Row(
            table,
            self.name,
            "own run" if protocol.statistics == "computed" else "imported statistics",
            protocol.name,
            scores.inception_score,
            scores.inception_score_std,
            scores.frechet_distance,
            million_parameters=round(self.results.parameters / 1e6, 1),
        )


@dataclass(frozen=True)
class RowGroup:
    """Rows that share data, size, judge and protocol: best Fréchet distance first, then those with
    an Inception score alone."""

    table: Table
    protocol: str
    rows: tuple[Row, ...]
    own: frozenset[int]
    """Which of the rows are own results, by their places."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        rows = [{**asdict(row), "own": at in self.own} for at, row in enumerate(self.rows)]
        for row in rows:
            del row["table"], row["protocol"]
        return {**asdict(self.table), "judge": JUDGE, "protocol": self.protocol, "rows": rows}


def leaderboard(own: Iterable[OwnResult] = ()) -> tuple[list[RowGroup], dict[str, str]]:
    """The tables with own results in them, and for each other own result why it stands in none."""
    placed: list[Row] = []
    apart: dict[str, str] = {}
    for result in own:
        table, why_not = place(result.results)
        if table is None:
            apart[result.name] = why_not
        else:
            placed.append(result.as_row(table))
    groups = []
    for table in TABLES:
        rows = [row for row in (*ROWS, *placed) if row.table == table]
        for protocol in PROTOCOLS:
            shared = sorted((row for row in rows if row.protocol == protocol), key=_preference)
            ours = frozenset(at for at, row in enumerate(shared) if row in placed)
            groups.append(RowGroup(table, protocol, tuple(shared), ours))
    return groups, apart


def place(results: Evaluated) -> tuple[Table | None, str]:
    """The table that a result belongs in, or None and why."""
    judge, protocol = results.judge.name, results.protocol.name
    if judge != JUDGE:
        return None, f"its judge is {judge}, that of the tables {JUDGE}: scores do not compare."
    if protocol not in PROTOCOLS or protocol == NOT_STATED:
        return None, f"no published row was made under its protocol, {protocol}."
    data, size = results.data.name, results.image_size
    if Table(data, size) not in TABLES:
        known = ", ".join(f"{table.data} at {table.image_size} pixels" for table in TABLES)
        return None, f"its images are of {data} at {size} pixels; the tables: {known}."
    return Table(data, size), ""


def _preference(row: Row) -> tuple[float, float]:
    distance = float("inf") if row.frechet_distance is None else row.frechet_distance
    return distance, -(row.inception_score or 0.0)
