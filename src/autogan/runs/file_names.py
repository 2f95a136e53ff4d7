"""What a run's folder holds, by name (docs/run-folder.md). Paths are relative to the folder."""

from pathlib import Path

CONFIG = "config.yaml"
DATA = "data.json"
LOG = "log.jsonl"
CURVES = "tensorboard"
"""The folder of the curves."""
CHECKPOINTS = "checkpoints"
"""The folder of the states to go on from."""
LOCK = "lock"
ARCHITECTURES = "architectures.json"
DERIVED = "derive.json"
CANDIDATES = "candidates"
"""The folder of the candidates' generators."""
GENERATOR = "generator.safetensors"
"""The winner's."""
TIMINGS = "timings.json"
RESULTS = "results.json"
CHECKSUMS = "checksums.json"
REPORT = "report.html"
PICTURES = {
    "samples": "samples.png",
    "real": "pictures/real.png",
    "neighbours": "pictures/neighbours.png",
    "interpolation": "pictures/interpolation.png",
}
"""The pictures of a finished run, by what they show."""

DATABASE = "trials.sqlite3"
"""Of a search by trials: the database, where no other storage was given."""
TRIAL_FOLDERS = "trials"
"""Of a search by trials: the folder in which every trial has its own."""
WORKER_LOGS = "workers"
"""Of a search by trials: the folder with what each worker said."""
TRIALS = "trials.json"
"""Of a search by trials: all of them, for readers without the database."""


def checkpoint_files(folder: Path, part: str = "*") -> list[Path]:
    """The checkpoints of a part of the run in `folder`, or of all parts, the oldest first."""
    files = (folder / CHECKPOINTS).glob(f"{part}-{8 * '[0-9]'}.safetensors")
    return sorted(files, key=checkpoint_number)


def checkpoint_number(checkpoint: Path) -> int:
    """How many checkpoints of the run were made up to this one."""
    return int(checkpoint.stem[-8:])
