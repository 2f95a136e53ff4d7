"""Which trial is a changed copy of which: the families of a search by trials."""

from autogan.report import charts
from autogan.report.history import Chart
from autogan.runs.contents import TrialRow, Trials


def lineage(trials: Trials, goal: str, higher_is_better: bool) -> Chart | None:
    """Lines from parents to children, at the values of the first rung; None where no trial has a parent."""
    first = min((t.rungs[0][0] for t in trials.trials if t.rungs), default=None)
    values = {
        trial.number: score[0]
        for trial in trials.trials
        for steps, score in trial.rungs
        if steps == first
    }
    pairs = [
        (trial.parent, trial.number)
        for trial in trials.trials
        if trial.parent in values and trial.number in values
    ]
    if not pairs or first is None:
        return None
    ways: dict[str, list[charts.Segment]] = {"better than its parent": [], "not better": []}
    for parent, child in pairs:
        assert parent is not None
        better = (values[child] > values[parent]) == higher_is_better
        better = better and values[child] != values[parent]
        name = "better than its parent" if better else "not better"
        ways[name].append(((parent + 1, values[parent]), (child + 1, values[child])))
    chain = _ancestors(trials, trials.best)
    line = [(number + 1, values[number]) for number in chain if number in values]
    svg = charts.families(
        "trials-lineage",
        [(number + 1, value) for number, value in values.items()],
        ways,
        line,
        "the best and its ancestors",
        ("trial", f"{goal} after {first:,} steps"),
    )
    said = " ← ".join(str(number + 1) for number in reversed(chain))
    improved = len(ways["better than its parent"])
    caption = (
        f"Every dot is a trial; a line leads from a trial to a changed copy of it. {improved} of "
        f"{len(pairs)} copies were better than what they copy."
    )
    if len(chain) > 1:
        caption += f" The best, from copy to copy back: {said}."
    return Chart("Families", svg, caption, wide=True)


def _ancestors(trials: Trials, number: int | None) -> list[int]:
    """A trial and those that it comes from, the first one first."""
    by_number: dict[int, TrialRow] = {trial.number: trial for trial in trials.trials}
    chain: list[int] = []
    while number is not None and number in by_number and number not in chain:
        chain.insert(0, number)
        number = by_number[number].parent
    return chain
