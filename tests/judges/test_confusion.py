"""Which answers a judge gives in place of the right ones, counted by hand."""

from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from autogan.judges.confusion import Confusion, confusion_counts, worst_confusions

NAMES = ("cat", "dog", "owl")
RIGHT = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2, 2, 2])
GIVEN = torch.tensor([0, 1, 1, 2, 1, 0, 2, 2, 2, 0])


class Answering:
    """A judge whose answer is written in the image."""

    task = SimpleNamespace(answers=NAMES)
    device = torch.device("cpu")

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, torch.eye(3)[images]


def test_counts_stand_in_the_row_of_the_right_answer_and_the_column_of_the_given_one() -> None:
    pairs = zip(GIVEN.split(4), RIGHT.split(4), strict=True)
    examples = SimpleNamespace(batches=lambda device: pairs)
    counts = confusion_counts(cast(Any, Answering()), cast(Any, examples))
    assert counts.tolist() == [[1, 2, 1], [1, 1, 0], [1, 0, 3]]


def test_the_worst_is_the_largest_share_of_the_examples_of_the_right_answer() -> None:
    counts = torch.tensor([[1, 2, 1], [1, 1, 0], [1, 0, 3]])
    # Of 4 cats 2 and 1, of 2 dogs 1, of 4 owls 1; equal shares stand in their order.
    assert worst_confusions(counts, NAMES) == [
        Confusion("cat", "dog", 2, 4),
        Confusion("dog", "cat", 1, 2),
        Confusion("cat", "owl", 1, 4),
        Confusion("owl", "cat", 1, 4),
    ]
    assert len(worst_confusions(counts, NAMES, most=2)) == 2
    assert worst_confusions(torch.diag(torch.tensor([3, 0, 5])), NAMES) == []
