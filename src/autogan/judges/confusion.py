"""Which answers a judge gives in place of the right ones, on images it was not trained on."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autogan.judges.domain import DomainJudge
from autogan.judges.questions import Examples


@dataclass(frozen=True)
class Confusion:
    """One way in which a judge errs: of `examples` of `right`, `taken` were taken for `wrong`."""

    right: str
    wrong: str
    taken: int
    examples: int


def confusion_counts(judge: DomainJudge, examples: Examples) -> Tensor:
    """int64 A×A: how often an example of answer i was given answer j."""
    answers = len(judge.task.answers)
    counts = torch.zeros(answers, answers, dtype=torch.int64)
    for images, targets in examples.batches(judge.device):
        given = judge.answer(images)[1].argmax(1)
        pairs = (targets * answers + given).cpu()
        counts += pairs.bincount(minlength=answers**2).view(answers, answers)
    return counts


def worst_confusions(counts: Tensor, answers: tuple[str, ...], most: int = 10) -> list[Confusion]:
    """The pairs with the largest share of wrong answers, worst first; none without an error."""
    totals = counts.sum(1)
    shares = counts / totals.clamp(min=1)[:, None]
    shares.fill_diagonal_(0)
    order = shares.flatten().argsort(descending=True, stable=True)[:most].tolist()
    pairs = [divmod(place, len(answers)) for place in order]
    return [
        Confusion(answers[right], answers[wrong], int(counts[right, wrong]), int(totals[right]))
        for right, wrong in pairs
        if right != wrong and counts[right, wrong]
    ]
