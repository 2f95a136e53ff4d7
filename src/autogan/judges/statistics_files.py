"""Statistics of real images as .npz files, and the place where imported ones are kept.

The common files of this kind hold `mu` and `sigma` alone. Ours also say how many images they rest
on, which judge made them and of what data: without the first two no score can be trusted to them.
"""

import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from autogan.basics.errors import UserError
from autogan.files.paths import expanded
from autogan.files.storage import make_folder_of, written_aside
from autogan.judges.scoring import Reference
from autogan.judges.statistics import FeatureStatistics
from autogan.settings.judge import INCEPTION_FEATURES
from autogan.settings.messages import shown

T = TypeVar("T")


@dataclass(frozen=True)
class StatisticsFile:
    """Mean and covariance of the features of real images, and where they come from."""

    statistics: FeatureStatistics
    judge: str
    """Name of the judge whose features these are."""
    data_name: str
    data_digest: str = ""
    """As `DataSet.digest`; empty where it is not known."""

    def reference(self) -> Reference:
        """For `score`: without features, so without kernel distance, precision and recall."""
        return Reference(self.statistics, None, self.statistics.count, self.judge)


def write_statistics(path: Path, file: StatisticsFile) -> None:
    """Write an .npz with mu (F), sigma (F×F), count, judge, data_name and data_digest."""
    arrays: dict[str, Any] = {
        "mu": file.statistics.mean.cpu().numpy(),
        "sigma": file.statistics.covariance.cpu().numpy(),
        "count": np.array(file.statistics.count, dtype=np.int64),
        "judge": np.array(file.judge),
        "data_name": np.array(file.data_name),
        "data_digest": np.array(file.data_digest),
    }
    make_folder_of(path)
    with written_aside(path) as aside, aside.open("wb") as out:
        np.savez(out, **arrays)


def read_statistics(path: Path) -> StatisticsFile:
    """Read what `write_statistics` wrote; `UserError` for files that do not say their origin."""
    arrays = _read_arrays(path)
    missing = [name for name in ("count", "judge", "data_name") if name not in arrays]
    if missing:
        raise UserError(
            f"{path} does not say {', '.join(missing)}, so no score can rest on it. Say it once: "
            f"autogan stats import {path} --data-name NAME --images COUNT --judge inception-2015"
        )
    return annotated(path)


def annotated(
    path: Path, data_name: str | None = None, count: int | None = None, judge: str | None = None
) -> StatisticsFile:
    """A file with what it does not say itself; `UserError` where both say count or judge and differ.

    data_name is for people: the one that is given counts, whatever the file calls its data.
    `UserError` also for values that are no statistics: other shapes, another number of features than
    the judge has, NaN or infinity, a covariance that is not symmetric.
    """
    arrays = _read_arrays(path)
    count = _agreed(path, "count", _said(path, arrays, "count", _whole_number), count)
    judge = _agreed(path, "judge", _said(path, arrays, "judge", str), judge)
    data_name = data_name or _said(path, arrays, "data_name", str)
    if count is None or count < 2:
        raise UserError(
            f"{path} does not say how many images (2 or more) it rests on: give --images COUNT."
        )
    if judge is None or data_name is None:
        raise UserError(
            f"{path} does not say which judge it is by and of which data: give --judge "
            "(inception-2015) and --data-name."
        )
    mean, covariance = _moments(path, arrays)
    if judge.startswith("inception-") and len(mean) != INCEPTION_FEATURES:
        raise UserError(
            f"{path} is of {len(mean)} features, and the judge {judge} has {INCEPTION_FEATURES}: it "
            "was made by another network, or another layer of it."
        )
    statistics = FeatureStatistics.from_moments(
        count, torch.from_numpy(mean), torch.from_numpy(covariance)
    )
    digest = _said(path, arrays, "data_digest", str)
    return StatisticsFile(statistics, judge, data_name, digest or "")


def imported_path(name: str, cache_directory: Path) -> Path:
    """Where imported statistics of that name lie; `UserError` for a name that is no file's."""
    if not re.fullmatch(r"\w[\w.-]*( [\w.-]+)*", name, re.ASCII):
        raise UserError(
            f"{name!r} cannot name statistics: use letters, digits, '.', '_', '-' and single spaces, "
            "and begin with a letter, digit or '_'."
        )
    if name.endswith(".npz"):
        raise UserError(
            f"{name!r} cannot name statistics: with that ending it would be taken for a file. Leave "
            "'.npz' out."
        )
    return cache_directory / "statistics" / f"{name}.npz"


def find_statistics(name_or_path: str, cache_directory: Path) -> StatisticsFile:
    """Statistics in a file, or imported under a name."""
    path = expanded(name_or_path)
    if path.is_file():
        return read_statistics(path)
    if path.suffix == ".npz" or len(path.parts) != 1:
        raise UserError(f"There is no statistics file {path}.")
    imported = imported_path(name_or_path, cache_directory)
    if not imported.is_file():
        known = sorted(file.stem for file in imported.parent.glob("*.npz"))
        raise UserError(
            f"There is no file {name_or_path!r}, and no statistics were imported under that name "
            f"(imported: {', '.join(known) or 'none'})."
        )
    return read_statistics(imported)


def _read_arrays(path: Path) -> dict[str, Any]:
    """All arrays of an .npz; nothing in it is executed."""
    if not path.is_file():
        raise UserError(f"There is no statistics file {path}.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            members = {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(
            f"{path} is no .npz of plain arrays ({error}). Pickled objects are not read."
        ) from None
    for name, member in members.items():
        if not isinstance(member, np.ndarray):  # NumPy gives the bytes of any other file
            raise UserError(f"{path} is no .npz of plain arrays ({name} is none).")
    return members


def _said(path: Path, arrays: dict[str, Any], name: str, kind: Callable[[Any], T]) -> T | None:
    """A single value that the file may hold, as `kind` makes it of a plain one."""
    if name not in arrays:
        return None
    if arrays[name].size != 1:
        raise UserError(f"{path}: {name} must be one value, not an array {arrays[name].shape}.")
    value = arrays[name].item()
    try:
        return kind(value)
    except ValueError as error:
        raise UserError(f"{path}: {name} cannot be {shown(value)}: {error}.") from None


def _whole_number(value: Any) -> int:
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise ValueError("it must be a whole number")


def _agreed(path: Path, name: str, said: T | None, given: T | None) -> T | None:
    if said is not None and given is not None and said != given:
        raise UserError(f"{path} says {name} {said!r}, which is not {given!r}.")
    return given if said is None else said


def _moments(path: Path, arrays: dict[str, Any]) -> tuple[Any, Any]:
    """mu and sigma as float64, checked: F and F×F."""
    missing = [name for name in ("mu", "sigma") if name not in arrays]
    if missing:
        raise UserError(f"{path} holds no {', '.join(missing)}: it is no feature statistics.")
    mean, covariance = arrays["mu"], arrays["sigma"]
    size = mean.shape[0] if mean.ndim == 1 else 0
    real = mean.dtype.kind == covariance.dtype.kind == "f"
    if not real or size == 0 or covariance.shape != (size, size):
        raise UserError(
            f"{path}: mu must be F and sigma F×F real numbers, not {mean.dtype} {mean.shape} and "
            f"{covariance.dtype} {covariance.shape}."
        )
    mean, covariance = mean.astype(np.float64), covariance.astype(np.float64)
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise UserError(f"{path} holds NaN or infinite values.")
    rounding = 1e-4 * np.abs(covariance).max()
    symmetric = np.allclose(covariance, covariance.T, atol=rounding)
    if not symmetric or (covariance.diagonal() < 0).any():
        raise UserError(f"{path}: sigma is no covariance: not symmetric, or a variance below zero.")
    return mean, covariance
