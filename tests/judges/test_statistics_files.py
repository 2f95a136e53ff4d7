"""Statistics as .npz files: they survive a round trip, and bad ones are refused with a reason."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autogan.basics.errors import UserError
from autogan.judges import FeatureStatistics
from autogan.judges.statistics_files import (
    StatisticsFile,
    annotated,
    find_statistics,
    imported_path,
    read_statistics,
    write_statistics,
)


def statistics(features: int = 3) -> FeatureStatistics:
    generator = torch.Generator().manual_seed(0)
    return FeatureStatistics.from_features(torch.randn(50, features, generator=generator))


def saved(path: Path, **changes: Any) -> Path:
    """A file of 3 features as `write_statistics` makes it, with changes; None leaves one out."""
    write_statistics(path, StatisticsFile(statistics(), "domain-12345678", "shapes", "ab" * 32))
    with np.load(path) as arrays:
        content = {**arrays, **changes}
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    return path


def test_a_file_holds_mu_sigma_and_where_they_come_from(tmp_path: Path) -> None:
    written = StatisticsFile(statistics(), "domain-12345678", "shapes", "ab" * 32)
    write_statistics(tmp_path / "s.npz", written)
    with np.load(tmp_path / "s.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["mu"], written.statistics.mean.numpy())
        np.testing.assert_array_equal(arrays["sigma"], written.statistics.covariance.numpy())
    again = read_statistics(tmp_path / "s.npz")
    assert (again.judge, again.data_name, again.data_digest) == (
        "domain-12345678",
        "shapes",
        "ab" * 32,
    )
    assert again.statistics.count == 50
    torch.testing.assert_close(again.statistics.covariance, written.statistics.covariance)
    reference = again.reference()
    assert (reference.features, reference.count, reference.judge) == (None, 50, "domain-12345678")


def test_a_foreign_file_is_used_only_once_it_says_what_it_is_of(tmp_path: Path) -> None:
    foreign = tmp_path / "fid_stats.npz"
    np.savez(foreign, mu=np.zeros(2048, np.float32), sigma=np.eye(2048, dtype=np.float32))
    with pytest.raises(UserError, match=r"count, judge, data_name.*autogan stats import"):
        read_statistics(foreign)
    with pytest.raises(UserError, match="--images COUNT"):
        annotated(foreign, "CIFAR-10", None, "inception-2015")
    with pytest.raises(UserError, match="--judge"):
        annotated(foreign, "CIFAR-10", 50_000)
    said = annotated(foreign, "CIFAR-10", 50_000, "inception-2015")
    write_statistics(imported_path("CIFAR-10", tmp_path), said)
    found = find_statistics("CIFAR-10", tmp_path)
    assert (found.statistics.count, found.judge, found.data_name) == (
        50_000,
        "inception-2015",
        "CIFAR-10",
    )
    assert found.statistics.mean.dtype == torch.float64
    with pytest.raises(UserError, match=r"imported: CIFAR-10"):
        find_statistics("CIFAR10", tmp_path)
    for name in (".", "..", ".hidden"):
        with pytest.raises(UserError, match="cannot name statistics"):
            imported_path(name, tmp_path)
    with pytest.raises(UserError, match="cannot name statistics"):
        imported_path("../CIFAR", tmp_path)
    with pytest.raises(UserError, match=r"taken for a file. Leave '\.npz' out"):
        imported_path("CIFAR-10.npz", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma": None}, "holds no sigma"),
        ({"mu": np.zeros((3, 1))}, "mu must be F"),
        ({"mu": np.zeros(4)}, "sigma F×F"),
        ({"mu": np.zeros(3, np.int64)}, "real numbers"),
        ({"mu": np.array([0.0, np.nan, 0.0])}, "NaN"),
        ({"sigma": np.full((3, 3), np.inf)}, "NaN or infinite"),
        ({"sigma": np.array([[1.0, 2, 3], [0, 1, 0], [0, 0, 1]])}, "not symmetric"),
        ({"sigma": -np.eye(3)}, "variance below zero"),
        (
            {"judge": np.array("inception-2015")},
            "3 features, and the judge inception-2015 has 2048",
        ),
        ({"count": np.array([1, 2])}, "one value"),
        ({"count": np.array(1)}, "2 or more"),
        ({"count": np.array("many")}, "count cannot be 'many': it must be a whole number"),
        ({"count": np.array(np.nan)}, "count cannot be nan"),
        ({"count": np.array(np.inf)}, "count cannot be inf"),
        ({"count": np.array(99.9)}, r"count cannot be 99\.9"),
    ],
)
def test_what_is_no_statistics_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_statistics(saved(tmp_path / "s.npz", **changes))


def test_contradictions_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "s.npz")
    assert annotated(path, "renamed", 50).data_name == "renamed"
    assert annotated(saved(tmp_path / "real.npz", count=np.array(50.0))).statistics.count == 50
    with pytest.raises(UserError, match="says count 50, which is not 60"):
        annotated(path, count=60)
    with pytest.raises(UserError, match="domain-12345678"):
        annotated(path, judge="inception-2015")


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.target, "executed")


def test_nothing_in_a_file_is_executed_and_other_files_are_refused(tmp_path: Path) -> None:
    path, target = tmp_path / "s.npz", tmp_path / "executed"
    saved(path, mu=np.array([Malicious(target)] * 3, dtype=object))
    with pytest.raises(UserError, match="Pickled objects are not read"):
        read_statistics(path)
    np.save(tmp_path / "pickle.npy", np.array([Malicious(target)], dtype=object))
    np.save(tmp_path / "plain.npy", np.zeros(3))
    (tmp_path / "text").write_text("mu = 0")
    whole = saved(path).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty").write_bytes(b"")
    damaged = bytearray(whole)
    damaged[whole.index(statistics().mean.numpy().tobytes())] ^= 0xFF
    (tmp_path / "damaged").write_bytes(damaged)
    with zipfile.ZipFile(tmp_path / "of texts", "w") as archive:
        for name in ("mu", "sigma.npy", "count.npy"):
            archive.writestr(name, "3")
    for name in ("pickle.npy", "plain.npy", "text", "cut", "empty", "damaged", "of texts"):
        with pytest.raises(UserError, match=r"no \.npz"):
            read_statistics(tmp_path / name)
    with pytest.raises(UserError, match="no statistics file"):
        find_statistics(str(tmp_path / "absent.npz"), tmp_path)
    with pytest.raises(UserError, match="is no path"):
        find_statistics("~nobody-of-this-name/s.npz", tmp_path)
    assert not target.exists()
