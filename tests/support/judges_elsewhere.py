"""Judges that other processes can have, too: each does something else than judge, now and then."""

import os
import time
from pathlib import Path

from tiny import ColourJudge
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.judges import Judgement


class Uneven(ColourJudge):
    """Takes longer for some images; cannot judge some others at all."""

    def __init__(self, wrong: bool = False) -> None:
        self.wrong = wrong

    def __call__(self, images: Tensor) -> Judgement:
        number = int(images.sum()) % 5
        if number == 1:
            time.sleep(0.3)
        if number == 2 and self.wrong:
            raise UserError("These images cannot be judged.")
        return super().__call__(images)


class Deadly(ColourJudge):
    """Ends its process as long as a file is there."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, images: Tensor) -> Judgement:
        if self.file.exists():
            os._exit(3)
        return super().__call__(images)


class Faulty(ColourJudge):
    """Has a bug."""

    def __call__(self, images: Tensor) -> Judgement:
        raise KeyError("a bug")
