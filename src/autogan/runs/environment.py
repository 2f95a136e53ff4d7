"""What a run ran on: versions, commit and machine, and whether they are others by now."""

import os
import platform
import subprocess
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from autogan.basics.version import package_version
from autogan.files.paths import expanded
from autogan.settings.sections import Settings

AnySettings = TypeVar("AnySettings", bound=Settings)


def environment(device: str) -> dict[str, Any]:
    """Versions, commit, machine and working directory, as every run describes itself.

    device: the run's `compute.device`; a GPU is named only where the run is on it.
    """
    import torch

    from autogan.device.compute import gpu_name

    return {
        "autogan": package_version(),
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "gpu": gpu_name(device),
        "directory": os.getcwd(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str | None:
    """The commit of the source checkout this package runs from, if it runs from one.

    A repository that the package only lies in, as in a virtual environment, is not its own.
    """
    own = Path(__file__)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(own.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", own.name)
        return git("rev-parse", "HEAD")
    except (FileNotFoundError, subprocess.CalledProcessError):  # the version alone names the code
        return None


def warn_of_other_machine(before: dict[str, Any], device: str) -> None:
    """Says where going on may differ in the last bits from never having stopped."""
    now = environment(device)
    differing = [
        f"{what} {before[what]} before, {now[what]} now"
        for what in ("autogan", "torch", "threads", "gpu")
        if what in before and before[what] != now[what]
    ]
    if differing:
        warnings.warn(
            f"The run began on another machine or version ({'; '.join(differing)}): it goes on, and "
            "its numbers may differ in the last digits from those of a run that was never stopped.",
            stacklevel=4,
        )


def source_seen_from(directory: str | None, source: str) -> str:
    """A `data.source` with its path made absolute, as it was meant in the directory a run began in.

    Otherwise as `path_seen_from`.
    """
    from autogan.images.sources import SOURCES

    kind, colon, rest = source.partition(":")
    prefix = f"{kind}:" if kind in SOURCES and colon else ""
    if source in SOURCES or (prefix and not rest):
        return source
    return prefix + path_seen_from(directory, rest if prefix else source, f"the images {source}")


def path_seen_from(directory: str | None, path: str, what: str) -> str:
    """A path of the settings made absolute, as it was meant in the directory a run began in.

    Where nothing is there any more, because the run and its files were moved together, it is taken
    from the present directory, which is said. An empty path stays one.
    directory: None where an older version did not say it. what: the files, for that message.

    Raises `UserError` for a path in the home of nobody.
    """
    relative = expanded(path)
    if directory is None or not path or relative.is_absolute():
        return path
    begun = Path(directory) / relative
    if not begun.exists() and relative.exists():
        warnings.warn(
            f"The run began in {directory} with {what}. There is nothing at {begun} now: it goes on "
            f"with {relative.absolute()}, if those are the same.",
            stacklevel=4,
        )
        return path
    return str(begun)


def settings_seen_from(directory: str | None, settings: AnySettings) -> AnySettings:
    """A run's settings with every path in them made absolute, as `path_seen_from` does."""
    weights = settings.judge.inception_weights
    source = source_seen_from(directory, settings.data.source)
    weights = path_seen_from(directory, weights, f"the weights {weights}")
    data = settings.data.model_copy(update={"source": source})
    judge = settings.judge.model_copy(update={"inception_weights": weights})
    return settings.model_copy(update={"data": data, "judge": judge})
