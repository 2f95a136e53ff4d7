"""Successive halving without waiting (ASHA, Li et al., arXiv 1810.05934): who goes on to the next rung."""

from collections.abc import Sequence

from autogan.strategies.fronts import Gains, ranks


def goes_on(own: Gains, others: Sequence[Gains], reduction: int) -> bool:
    """Whether a training that has reached a rung goes on: among the best 1/`reduction` of those that have.

    others: of the trainings that have reached it so far. The first always goes on, as far as there are
    too few to choose among: the best one then does. With several goals trainings are ordered by fronts
    (`ranks`), and inside one by how many of the others they beat in each goal, summed.
    """
    everyone = [own, *others]
    places = max(1, len(everyone) // reduction)
    front = ranks(everyone)
    wins = [_wins(gains, everyone) for gains in everyone]
    before = sum((front[i], -wins[i]) < (front[0], -wins[0]) for i in range(1, len(everyone)))
    return before < places


def _wins(gains: Gains, everyone: Sequence[Gains]) -> int:
    return sum(a > b for other in everyone for a, b in zip(gains, other, strict=True))


def hypervolume(gains: Sequence[Gains], reference: Gains) -> float:
    """The volume of what the front dominates above `reference`, for any number of goals.

    0 where nothing lies above the reference in every goal.
    """
    above = [g for g in gains if all(a > r for a, r in zip(g, reference, strict=True))]
    if not above:
        return 0.0
    if len(reference) == 1:
        return max(g[0] for g in above) - reference[0]
    # Slices along the last goal, from the best down: each as thick as the way to the next one.
    ordered = sorted(above, key=lambda g: -g[-1])
    volume = 0.0
    for number, point in enumerate(ordered):
        floor = ordered[number + 1][-1] if number + 1 < len(ordered) else reference[-1]
        if point[-1] > floor:
            flat = [g[:-1] for g in ordered[: number + 1]]
            volume += (point[-1] - floor) * hypervolume(flat, reference[:-1])
    return volume
