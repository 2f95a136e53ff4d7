"""The command line: reads options, calls, prints. Exit code 0; 2 for a user's mistake; 1 for ours."""

from autogan.cli import (
    architectures,
    bench,
    data,
    generators,
    interchange,
    judge,
    presets,
    reports,
    runs,
    samples,
    scores,
    status,
    tables,
    training,
    trials,
    verify,
)
from autogan.cli.common import main

__all__ = [
    "architectures",
    "bench",
    "data",
    "generators",
    "interchange",
    "judge",
    "main",
    "presets",
    "reports",
    "runs",
    "samples",
    "scores",
    "status",
    "tables",
    "training",
    "trials",
    "verify",
]
