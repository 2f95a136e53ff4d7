"""Strategies compared on a table: many searches each, equal simulated seconds, honest statistics."""

import math
import multiprocessing
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.device.processor import available_processors
from autogan.trials.significance import average_ranks, holm, mann_whitney
from autogan.trials.simulated import Contest, Found, search, strategy_of
from autogan.trials.table import Table
from autogan.trials.table_values import ScoreName

DEFAULT = (
    "random",
    "random+halving",
    "evolution",
    "local-search",
    "tpe",
    "tpe+halving",
    "nsga2",
    "reinforce",
)
"""Without gp, whose proposals take a second each."""
BASELINE = "random"
FEWEST_SEEDS = 20
"""For which the p-values' approximation is good."""
MOMENTS = 50
"""Of the clock at which regrets are told, equally far apart; the last is the end."""


@dataclass(frozen=True)
class Standing:
    """How one strategy did. Regrets are of a score on test latents: how much worse it is than the optimum.

    regrets: at the end, one for each seed. anytime: their means at each moment; errors: the standard errors
    of these. rank: at the end among all strategies of the same seed, the mean over the seeds, 1 is best.
    improvement: by how much what was found is better than the average architecture, as a share of
    that one's score; the mean over the seeds. p_value: that the regrets at the end are no other than
    the baseline's, adjusted for the number of strategies (Holm); None for the baseline.
    """

    name: str
    regrets: tuple[float, ...]
    anytime: tuple[float, ...]
    errors: tuple[float, ...]
    rank: float
    improvement: float
    p_value: float | None

    @property
    def regret(self) -> float:
        """At the end, the mean over the seeds."""
        return self.anytime[-1]

    @property
    def mean_anytime(self) -> float:
        """The regret on average over the whole time and all seeds."""
        return statistics.fmean(self.anytime)


@dataclass(frozen=True)
class Comparison:
    """All strategies, the lowest regret at the end first. moments: in simulated seconds.

    machines: that the table's seconds are of. score: that is searched by and judged by. optimum, average: on
    test latents, of the best and of the average member of the space.
    """

    table: str
    score: ScoreName
    members: int
    machines: int
    seeds: int
    moments: tuple[float, ...]
    training_seconds: float
    optimum: float
    average: float
    standings: tuple[Standing, ...]


def compare(
    path: Path,
    names: Sequence[str] = DEFAULT,
    score: ScoreName = "frechet_distance",
    seeds: int = 100,
    trainings: float = 50,
    workers: int | None = None,
) -> Comparison:
    """Searches with each strategy and seed, by as many processes as there are processors.

    trainings: the budget of a search, as so many times the average time of a whole training.
    Raises `UserError` where the table is not whole, or something else cannot be compared.
    """
    if seeds < FEWEST_SEEDS:
        raise UserError(f"A comparison needs {FEWEST_SEEDS} seeds or more, not {seeds}.")
    if not 1 <= trainings < math.inf:
        raise UserError(f"The budget of a search is 1 training or more, not {trainings:g}.")
    if BASELINE not in names:
        names = (BASELINE, *names)
    names = tuple(dict.fromkeys(names))
    contest = Contest(Table.open(path), score)
    for name in names:
        strategy_of(name, contest, 0)
    budget = trainings * contest.training_seconds
    moments = tuple(budget * (moment + 1) / MOMENTS for moment in range(MOMENTS))
    jobs = [(name, seed) for name in names for seed in range(seeds)]
    curves = dict(zip(jobs, _all_regrets(contest, path, jobs, moments, workers), strict=True))
    by_name = {name: [curves[name, seed] for seed in range(seeds)] for name in names}
    ended = {name: [curve[-1] for curve in of] for name, of in by_name.items()}
    ranks = [average_ranks([ended[name][seed] for name in names]) for seed in range(seeds)]
    p_values = holm(
        {name: mann_whitney(ended[name], ended[BASELINE]) for name in names if name != BASELINE}
    )
    standings = [
        Standing(
            name,
            tuple(ended[name]),
            tuple(statistics.fmean(at) for at in zip(*by_name[name], strict=True)),
            tuple(statistics.stdev(at) / seeds**0.5 for at in zip(*by_name[name], strict=True)),
            statistics.fmean(of_seed[place] for of_seed in ranks),
            (contest.regret(None) - statistics.fmean(ended[name])) / contest.average,
            p_values.get(name),
        )
        for place, name in enumerate(names)
    ]
    return Comparison(
        contest.table.name,
        score,
        contest.table.completeness.members,
        len(contest.table.machines),
        seeds,
        moments,
        contest.training_seconds,
        contest.optimum,
        contest.average,
        tuple(sorted(standings, key=lambda standing: standing.regret)),
    )


def _all_regrets(
    contest: Contest,
    path: Path,
    jobs: Sequence[tuple[str, int]],
    moments: tuple[float, ...],
    workers: int | None,
) -> list[list[float]]:
    """Of each job the regret at each moment."""
    workers = workers or available_processors()
    if workers == 1:
        return [regrets(contest, moments, job) for job in jobs]
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _open_in_worker, (path, contest.score)
    ) as pool:
        return list(pool.map(partial(_regrets_in_worker, moments), jobs, chunksize=10))


def regrets(contest: Contest, moments: Sequence[float], job: tuple[str, int]) -> list[float]:
    """Of one search, a strategy's name and a seed: the regret of what was found by each moment."""
    name, seed = job
    return _at(contest, search(contest, name, seed, moments[-1]), moments)


def _at(contest: Contest, found: Sequence[Found], moments: Sequence[float]) -> list[float]:
    told = []
    for moment in moments:
        before = [one.architecture for one in found if one.seconds <= moment]
        told.append(contest.regret(before[-1] if before else None))
    return told


_opened: list[Contest] = []
"""The contest of a worker process, which reads the table once."""


def _open_in_worker(path: Path, score: ScoreName) -> None:
    import torch

    torch.set_num_threads(1)
    _opened.append(Contest(Table.open(path), score))


def _regrets_in_worker(moments: Sequence[float], job: tuple[str, int]) -> list[float]:
    return regrets(_opened[0], moments, job)
