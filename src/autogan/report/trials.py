"""A search by trials on the page: its trials, how the best one came, what each decision mattered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from autogan.basics.errors import UserError
from autogan.report import charts
from autogan.report.history import Chart
from autogan.report.lineage import lineage
from autogan.report.pictures import png_uri
from autogan.report.trial_workers import Costs, costs_of, timeline
from autogan.runs.contents import TrialRow, Trials
from autogan.runs.file_names import PICTURES, TRIAL_FOLDERS
from autogan.runs.record import RunRecord
from autogan.runs.status import surrogate_words
from autogan.spaces import space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import option_text

MOST_SHOWN = 40
MOST_PICTURED = 12
HIGHER_IS_BETTER = ("inception_score",)
FEWEST_FOR_IMPORTANCE = 10
"""Trials below which what a decision mattered is not told: it would be chance alone."""


@dataclass(frozen=True)
class Pictured:
    """A trial with its samples, a picture as a data URI. values: in words."""

    trial: TrialRow
    values: list[str]
    picture: str


@dataclass(frozen=True)
class TrialsView:
    """What the page shows of a search by trials.

    words: how far it is, in a sentence. shown: the front, then the others, the longest trained first.
    left_out: how many are not shown. goals: in words. pictured: the front, then the best others of as many
    steps. surrogate: what it did, or "".
    """

    words: str
    goals: list[str]
    shown: list[TrialRow]
    left_out: int
    charts: list[Chart]
    pictured: list[Pictured]
    costs: Costs | None
    surrogate: str


def trials_of(record: RunRecord) -> TrialsView | None:
    """None where the run is no search by trials, or has none yet."""
    trials = record.trials
    if trials is None or not trials.trials:
        return None
    sign = -1 if trials.goals[0] in HIGHER_IS_BETTER else 1
    ordered = sorted(
        trials.trials,
        key=lambda t: (not t.front, -t.steps, sign * t.values[0] if t.values else 0.0),
    )
    higher = trials.goals[0] in HIGHER_IS_BETTER
    made = [
        _best_so_far(trials),
        _front(trials),
        _importance(trials),
        lineage(trials, _words(trials.goals[0]), higher),
        timeline(trials),
    ]
    states = {state: sum(t.state == state for t in trials.trials) for state in _STATES}
    counted = ", ".join(f"{number} {_STATES[state]}" for state, number in states.items() if number)
    return TrialsView(
        f"{len(trials.trials)} of {trials.count} trials were begun: {counted}. Strategy "
        f"{trials.strategy}; goals: {', '.join(map(_words, trials.goals))}.",
        [*map(_words, trials.goals)],
        ordered[:MOST_SHOWN],
        max(0, len(ordered) - MOST_SHOWN),
        [chart for chart in made if chart is not None],
        _pictured(record.folder, trials.goals, ordered),
        costs_of(trials),
        surrogate_words(trials.surrogate) if trials.surrogate else "",
    )


def _pictured(folder: Path, goals: Sequence[str], ordered: Sequence[TrialRow]) -> list[Pictured]:
    """The first of those whose folder is at hand and has samples."""
    found: list[Pictured] = []
    steps = ordered[0].steps
    for trial in ordered:
        if trial.steps != steps or len(found) == MOST_PICTURED:
            break
        files = sorted((folder / TRIAL_FOLDERS).glob(f"{trial.number:05d}*/{PICTURES['samples']}"))
        if files:
            values = [
                f"{_words(goal)} {value:,.4g}"
                for goal, value in zip(goals, trial.values or (), strict=True)
            ]
            found.append(Pictured(trial, values, png_uri(files[-1])))
    return found


_STATES = {
    "complete": "trained to the last rung",
    "stopped": "stopped at an earlier rung, because others were better",
    "diverged": "went wrong",
    "failed": "given up",
    "running": "at work",
}


def _words(goal: str) -> str:
    return goal.replace("_", " ").replace("frechet", "Fréchet")


def _best_so_far(trials: Trials) -> Chart | None:
    """The best value of the first goal on every rung, against the seconds of all trainings so far."""
    goal = trials.goals[0]
    best = max if goal in HIGHER_IS_BETTER else min
    ended = sorted((t for t in trials.trials if t.finished), key=lambda t: t.finished or 0.0)
    series: dict[str, list[tuple[float, float]]] = {}
    seconds = 0.0
    for trial in ended:
        seconds += trial.seconds
        for steps, values in trial.rungs:
            points = series.setdefault(f"{steps:,} steps", [])
            known = points[-1][1] if points else values[0]
            points.append((seconds, best(known, values[0])))
    if not series:
        return None
    series = dict(sorted(series.items(), key=lambda item: int(item[0].split()[0].replace(",", ""))))
    svg = charts.curves(
        "trials-best", series, ("seconds of training, all trials", f"best {_words(goal)}")
    )
    caption = (
        f"The best {_words(goal)} so far, among the trials that were trained for so many generator "
        "steps. Where a line is flat, longer searching found nothing better."
    )
    return Chart("Best so far", svg, caption)


def _front(trials: Trials) -> Chart | None:
    """The first two goals of every trial of the highest rung."""
    if len(trials.goals) < 2:
        return None
    steps = max(t.steps for t in trials.trials)
    reached = [(t, t.values) for t in trials.trials if t.steps == steps and t.values]
    groups = {
        name: [(values[1], values[0]) for trial, values in reached if trial.front == on_front]
        for name, on_front in (("on the front", True), ("not on the front", False))
    }
    groups = {name: points for name, points in groups.items() if points}
    if not groups:
        return None
    line = sorted(groups.get("on the front", []))
    svg = charts.scatter(
        "trials-front",
        groups,
        line,
        "front",
        (_words(trials.goals[1]), _words(trials.goals[0])),
        [],
        [],
        {(v[1], v[0]): str(trial.number + 1) for trial, v in reached if trial.front},
    )
    caption = (
        f"Every trial of {steps:,} steps. Those on the front have their numbers: no other is as "
    )
    caption += "good in every goal and better in one."
    if trials.hypervolume is not None and trials.reference is not None:
        reference = ", ".join(f"{value:,.4g}" for value in trials.reference)
        caption += (
            f" The front dominates a volume of {trials.hypervolume:,.4g}, from the worst value of each goal "
            f"({reference})."
        )
    return Chart("The front", svg, caption)


def _importance(trials: Trials) -> Chart | None:
    """For each decision the share of the variance of the first rung's values that lies between options."""
    first = min((t.rungs[0][0] for t in trials.trials if t.rungs), default=None)
    scored: list[tuple[Architecture, float]] = []
    for trial in trials.trials:
        value = next((values[0] for steps, values in trial.rungs if steps == first), None)
        if value is None:
            continue
        try:
            scored.append((Architecture.parse(trial.architecture), value))
        except UserError:
            return None  # of options that this version does not know
    if len(scored) < FEWEST_FOR_IMPORTANCE:
        return None
    mean = fmean(value for _, value in scored)
    total = sum((value - mean) ** 2 for _, value in scored)
    if total == 0:
        return None
    shares = {}
    for name, options in _taken([architecture for architecture, _ in scored]):
        groups: dict[str, list[float]] = {}
        for option, (_, value) in zip(options, scored, strict=True):
            groups.setdefault(option, []).append(value)
        between = sum(len(group) * (fmean(group) - mean) ** 2 for group in groups.values())
        shares[name] = between / total
    svg = charts.bars("trials-importance", shares, "share of the variance")
    caption = (
        f"How much of the spread of {_words(trials.goals[0])} after {first:,} steps, over {len(scored)} "
        "trials, lies between the options of each decision. Decisions of few trials share by chance "
        f"about {_by_chance(len(scored)):.2f} for each further option."
    )
    return Chart("What each decision mattered", svg, caption)


def _by_chance(count: int) -> float:
    """What one further option explains of unrelated values, on average."""
    return 1 / (count - 1)


def _taken(architectures: Sequence[Architecture]) -> Iterator[tuple[str, list[str]]]:
    """Every decision by name, with the option that each architecture takes."""
    space = space_of(architectures[0])
    for stage, decisions in enumerate(space.by_stage):
        for place, decision in enumerate(decisions):
            options = [option_text(a.taken[stage][place]) for a in architectures]
            yield f"{decision.place}: {decision.name.replace('_', ' ')}", options
