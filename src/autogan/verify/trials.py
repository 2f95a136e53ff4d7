"""trials.json against the run's settings, itself, and what the folders of its trials say.

Each function yields a sentence for every contradiction.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from autogan.basics.errors import UserError
from autogan.images.classes import Classes
from autogan.runs.contents import TrialRow, Trials
from autogan.runs.events import Validated
from autogan.runs.file_names import TRIAL_FOLDERS, TRIALS
from autogan.runs.outcomes import Validation
from autogan.runs.record import read_record
from autogan.settings.sections import Settings
from autogan.settings.trials import SCORED
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.generator_file import SavedGenerator
from autogan.spaces.limits import Costs
from autogan.spaces.trained import objective_of
from autogan.strategies.base import State
from autogan.trials.found import finished_folders, standing_of
from autogan.trials.proxies import proxied
from autogan.trials.records import RungScore, TrialRecord


def trials_problems(
    folder: Path, settings: Settings, classes: Classes | None, found: Trials
) -> Iterator[str]:
    """folder: of the search. classes: that the networks are told."""
    for name, stated, wanted in (
        ("goals", found.goals, list(settings.trials.goals)),
        ("count", found.count, settings.trials.count),
        ("strategy", found.strategy, settings.search.strategy),
    ):
        if stated != wanted:
            yield f"{TRIALS}: {name} is {stated}, in config.yaml {wanted}"
    front, reference, volume = standing_of(list(map(_record, found.trials)), settings.trials)
    on_front = {record.number for record in front}
    if found.best != (front[0].number if front else None):
        yield f"{TRIALS}: best is {found.best}, and by the scores another trial is"
    if {row.number for row in found.trials if row.front} != on_front:
        yield f"{TRIALS}: the front is not that of the scores"
    if (found.reference, found.hypervolume) != (reference, volume):
        yield f"{TRIALS}: reference and hypervolume are not those of the scores"
    costs = Costs(proxied(settings), classes, torch.device("cpu"))
    for row in found.trials:
        yield from _row_problems(row, found.goals, settings.trials.rung_steps, costs)
        yield from _folder_problems(row, found.goals, folder / TRIAL_FOLDERS)


def best_trial_problems(
    winner: SavedGenerator, best: TrialRow, goals: Sequence[str]
) -> Iterator[str]:
    """The run's generator is that of its best trial."""
    if winner.generator.architecture != players(Architecture.parse(best.architecture))[0]:
        yield f"generator.safetensors is not of the architecture of the best trial ({best.number})"
    validation = Validation(**winner.origin["validation"])
    if _in_one_go(best) and not _agree(validation, goals, best.values or []):
        yield f"generator.safetensors has another validation than the best trial ({best.number})"


def _record(row: TrialRow) -> TrialRecord:
    rungs = tuple(RungScore(steps, tuple(values), 0.0) for steps, values in row.rungs)
    architecture = Architecture.parse(row.architecture)
    return TrialRecord(row.number, architecture, row.seed, State(row.state), rungs)


def _row_problems(
    row: TrialRow, goals: Sequence[str], rung_steps: Sequence[int], costs: Costs
) -> Iterator[str]:
    """One trial by itself: its rungs, and what its architecture alone says."""
    steps, values = row.rungs[-1] if row.rungs else (0, None)
    if (row.steps, row.values) != (steps, values):
        yield f"{TRIALS}: steps and values of trial {row.number} are not those of its highest rung"
    reached_its_end = row.state != "complete" or steps == rung_steps[-1]
    if not reached_its_end or [steps for steps, _ in row.rungs] != list(
        rung_steps[: len(row.rungs)]
    ):
        yield f"{TRIALS}: the rungs of trial {row.number} are not those of config.yaml"
    counted = [goal for goal in goals if goal not in (*SCORED, "latency_milliseconds")]
    for goal in counted:
        cost = costs.of(Architecture.parse(row.architecture), goal)
        if any(reached[goals.index(goal)] != cost for _, reached in row.rungs):
            yield f"{TRIALS}: {goal} of trial {row.number} is not that of its architecture"


def _folder_problems(row: TrialRow, goals: Sequence[str], trials: Path) -> Iterator[str]:
    """One trial against its folder, where it came to its end in one go, in one that is at hand."""
    if not _in_one_go(row):
        return
    problems = [_contradiction(row, goals, place) for place in finished_folders(trials, row.number)]
    if problems and None not in problems:
        yield f"{TRIALS}: {problems[-1]}"


def _contradiction(row: TrialRow, goals: Sequence[str], place: Path) -> str | None:
    try:
        record = read_record(place)
    except UserError as error:
        return f"the folder of trial {row.number} cannot be read: {error}"
    seed, task = record.setting("seed"), record.task
    architecture = Architecture.parse(row.architecture)
    own = (str(players(architecture)[0]), row.seed)
    if task is None or (task.architecture, seed) != own:
        return f"trial {row.number} has another architecture or seed than config.yaml in {place}"
    trained_with = record.settings.train.objective if record.settings else None
    if trained_with and trained_with != objective_of(architecture, trained_with):
        return f"trial {row.number} has another training than config.yaml in {place}"
    metric = record.setting("derive.metric")
    for steps, values in row.rungs:
        best = None
        for event in record.of(Validated):
            in_time = event.validation.generator_steps <= steps
            if in_time and event.validation.better_than(best, metric):
                best = event.validation
        if best is None or not _agree(best, goals, values):
            return f"trial {row.number} has other scores at {steps} steps than log.jsonl in {place}"
    return None


def _in_one_go(row: TrialRow) -> bool:
    """Else it may have begun anew, and scores of its first rungs are of another training."""
    return len(row.attempts) <= 1


def _agree(validation: Validation, goals: Sequence[str], values: Sequence[float]) -> bool:
    """Whether the scores among the goals are those of a validation."""
    scores = zip(goals, values, strict=True)
    return all(getattr(validation, goal) == value for goal, value in scores if goal in SCORED)
