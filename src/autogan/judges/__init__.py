"""What looks at images: judges, and the scores that are functions of their judgements.

Names are imported when first used, so that the package itself needs no torch.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autogan.judges.base import Judge, Judgement
    from autogan.judges.domain import DomainJudge, domain_judge, train_domain_judge
    from autogan.judges.inception import InceptionJudge, inception_judge
    from autogan.judges.scores import (
        Score,
        frechet_distance,
        inception_score,
        kernel_distance,
        precision_recall,
    )
    from autogan.judges.scoring import Reference, Tally, floor, judged, reference, score
    from autogan.judges.statistics import FeatureStatistics
    from autogan.judges.values import Mode, Modes, Scores

_HOME = {
    "base": ("Judge", "Judgement"),
    "domain": ("DomainJudge", "domain_judge", "train_domain_judge"),
    "inception": ("InceptionJudge", "inception_judge"),
    "scores": (
        "Score",
        "frechet_distance",
        "inception_score",
        "kernel_distance",
        "precision_recall",
    ),
    "scoring": ("Reference", "Tally", "floor", "judged", "reference", "score"),
    "statistics": ("FeatureStatistics",),
    "values": ("Mode", "Modes", "Scores"),
}

__all__ = [
    "DomainJudge",
    "FeatureStatistics",
    "InceptionJudge",
    "Judge",
    "Judgement",
    "Mode",
    "Modes",
    "Reference",
    "Score",
    "Scores",
    "Tally",
    "domain_judge",
    "floor",
    "frechet_distance",
    "inception_judge",
    "inception_score",
    "judged",
    "kernel_distance",
    "precision_recall",
    "reference",
    "score",
    "train_domain_judge",
]


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(f"autogan.judges.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
