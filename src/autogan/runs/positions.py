"""Where the newest checkpoints of a run stand, as values: few numbers beside each state."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.runs.file_names import checkpoint_files
from autogan.runs.outcomes import from_plain


@dataclass(frozen=True)
class SearchPosition:
    """iteration: iterations that are done; phase, step: where in the next one the search stands."""

    iteration: int = 0
    phase: str = "shared training"
    step: int = 0


@dataclass(frozen=True)
class DerivePosition:
    """candidates: trainings that have ended, well or not; of: how many were ranked."""

    candidates: int = 0
    of: int = 1


@dataclass(frozen=True)
class JudgePosition:
    """step: of how many steps the judge's training has done."""

    step: int
    of: int


@dataclass(frozen=True)
class TrainingPosition:
    """step: generator steps that are done."""

    step: int = 0


@dataclass(frozen=True)
class Positions:
    """Of each part that has a checkpoint; trainings by name: "train", "candidate-0".

    discriminator: of the search for discriminators after that for generators.
    """

    judge: JudgePosition | None = None
    search: SearchPosition | None = None
    derive: DerivePosition | None = None
    trainings: dict[str, TrainingPosition] = field(default_factory=dict)
    discriminator: SearchPosition | None = None

    def trained(self, name: str) -> int:
        """Generator steps of a training that are done and kept."""
        return self.trainings.get(name, TrainingPosition()).step


def read_positions(folder: Path) -> Positions:
    """Raises `UserError` where a newest checkpoint is damaged, or of an older version."""
    from autogan.runs.checkpoints import newest_positions  # brings torch

    for file in checkpoint_files(folder):
        if not file.is_file() and (file.exists() or file.is_symlink()):
            raise UserError(f"{file} is not a regular file, so it is no state of a run.")
    try:
        return _typed(newest_positions(folder))
    except UserError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"The checkpoints in {folder} do not say where they stand: {reason}"
        ) from None


def _typed(plain: dict[str, Any]) -> Positions:
    kinds: dict[str, Any] = {"judge": JudgePosition, "search": SearchPosition}
    kinds |= {"derive": DerivePosition, "discriminator": SearchPosition}
    typed = {part: from_plain(kinds[part], plain[part]) for part in kinds if part in plain}
    trainings = {
        part: from_plain(TrainingPosition, position)
        for part, position in plain.items()
        if part == "train" or part.startswith("candidate-")
    }
    return Positions(trainings=trainings, **typed)
