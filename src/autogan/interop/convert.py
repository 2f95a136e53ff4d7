"""A generator of the authors' program as a generator file of ours."""

from pathlib import Path
from typing import Any

from autogan.files.storage import make_folder_of
from autogan.interop.checkpoint import Checkpoint
from autogan.interop.load import ArchitectureLike, has_average, read_generator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import save_generator


def convert_generator(
    path: Path, architecture: ArchitectureLike, out: Path, average: bool
) -> tuple[AutoGanGenerator, dict[str, Any]]:
    """Writes `out`, as `autogan.load_generator` reads it; the generator, and what `out` says of it.

    Arguments and errors are those of `load_official_generator`.
    """
    checkpoint = Checkpoint.read(path)
    generator = read_generator(checkpoint, architecture, average)
    if checkpoint.plain is not None:
        weights = "state dict"
    else:
        weights = "averaged" if average and has_average(checkpoint) else "raw"
    imported = {"file": path.name, "weights": weights}
    make_folder_of(out)
    save_generator(out, generator, generator.state_dict(), {"imported": imported})
    return generator, imported
