"""Decoded once, found again, checked, rebuilt when damaged; and the resized copies."""

import multiprocessing
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
from PIL import Image
from torch.nn import functional

from autogan.basics.errors import UserError
from autogan.images import DataSet, ImageSet, cache, decode, default_cache_directory, load_data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(10):
            pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.png")
    return tmp_path / "pets"


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(decode, "decode_all", refuse)


def entries(root: Path) -> list[Path]:
    return sorted((root / "datasets").iterdir())


def same(one: DataSet, other: DataSet) -> bool:
    return all(
        torch.equal(a.pixels, b.pixels)
        and a.labels is not None
        and b.labels is not None
        and torch.equal(a.labels, b.labels)
        for a, b in ((one.train, other.train), (one.held_out, other.held_out))
    )


def test_second_load_decodes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_data(str(folder), 16, tmp_path / "cache")
    forbid_decoding(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch must not find a read-only array
        second = load_data(str(folder), 16, tmp_path / "cache")
    assert same(first, second) and first == second and hash(first) == hash(second)
    assert (second.class_names, second.notes) == (first.class_names, first.notes)
    with pytest.raises(AssertionError, match="decoded"):
        load_data(str(folder), 8, tmp_path / "cache")


def test_changed_file_is_noticed(folder: Path, tmp_path: Path) -> None:
    first = load_data(str(folder), 16, tmp_path / "cache")
    Image.new("RGB", (16, 16), "red").save(folder / "cats" / "0.png")
    assert load_data(str(folder), 16, tmp_path / "cache") != first


def test_what_the_cache_gives_is_mapped_and_cannot_be_written_to(tmp_path: Path) -> None:
    """Copy-on-write maps are refused by systems with less memory than the file is long."""

    def build(entry: cache.Builder) -> cache.Contents:
        pixels, _ = entry.new("train", 5, 8, labelled=False)
        pixels[:] = 7
        return cache.Contents((), ())

    for _ in range(2):  # made, then found
        array = cache.load_or_build("key", tmp_path, build).arrays["train_pixels"]
        assert isinstance(array, np.memmap) and array.mode == "r"
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def open_a_bracket(path: Path) -> None:
    """A header that NumPy's reader cannot even cut into words."""
    path.write_bytes(path.read_bytes().replace(b"}", b"(", 1))


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("train_pixels.npy", flip_a_byte),
        ("held_out_labels.npy", flip_a_byte),
        ("train_pixels.npy", open_a_bracket),
        ("train_pixels.npy", lambda path: path.write_bytes(path.read_bytes()[:-100])),
        ("train_pixels.npy", lambda path: path.write_bytes(b"")),
        ("held_out_pixels.npy", Path.unlink),
        ("train_labels.npy", lambda path: np.save(path, np.zeros(3, np.int32))),
        ("entry.json", lambda path: path.write_text(path.read_text().replace("cats", "bats"))),
        ("entry.json", lambda path: path.write_text("[]")),
        ("entry.json", lambda path: path.write_text("{")),
        ("entry.json", Path.unlink),
    ],
)
def test_damaged_entry_is_said_and_rebuilt(
    folder: Path, tmp_path: Path, name: str, damage: object
) -> None:
    assert callable(damage)
    root = tmp_path / "cache"
    first = load_data(str(folder), 16, root)
    expected = first.train.pixels.clone()
    (entry,) = entries(root)
    damage(entry / name)
    with pytest.warns(UserWarning, match=r"damaged .*made anew"):
        second = load_data(str(folder), 16, root)
    assert torch.equal(second.train.pixels, expected) and second == first
    assert second.class_names == ("cats", "dogs")
    assert entries(root) == [entry]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_data(str(folder), 16, root)


def load_in_process(folder: Path, root: Path, gate: object, answers: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    answers.put(load_data(str(folder), 16, root).digest)  # type: ignore[attr-defined]


def test_entry_made_by_another_meanwhile_is_taken(folder: Path, tmp_path: Path) -> None:
    """Two builders of one entry, the second finishing after the first."""
    root = tmp_path / "cache"
    finished = []

    def build(entry: cache.Builder) -> cache.Contents:
        if not finished:
            finished.append(True)
            cache.load_or_build("key", root, build)
        for part in ("train", "held_out"):
            pixels, _ = entry.new(part, 2, 8, labelled=False)
            pixels[:] = 7
        return cache.Contents((), ())

    stored = cache.load_or_build("key", root, build)
    assert (stored.arrays["train_pixels"] == 7).all()
    assert len(entries(root)) == 1


def test_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def build(entry: cache.Builder) -> cache.Contents:
        entry.new("train", 2, 8, labelled=True)
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        cache.load_or_build("key", tmp_path, build)
    assert entries(tmp_path) == []


def test_cache_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="AUTOGAN_CACHE"):
        load_data(str(folder), 16, tmp_path / "file")


def test_full_disk_is_told_before_writing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(UserError, match=r"only 1 KiB free"):
        load_data(str(folder), 16, tmp_path / "cache")


def test_where_the_cache_is(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "by variable"))
    load_data(str(folder), 16)
    assert len(entries(tmp_path / "by variable")) == 1
    load_data(str(folder), 8, tmp_path / "by argument")
    assert len(entries(tmp_path / "by variable")) == 1
    assert len(entries(tmp_path / "by argument")) == 1
    monkeypatch.delenv("AUTOGAN_CACHE")
    assert default_cache_directory() == platformdirs.user_cache_path("autogan")


def test_resized(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "cache"
    data = load_data(str(folder), 16, root)
    assert data.resized(16) is data
    half = data.resized(8)
    expected = functional.interpolate(
        data.train.pixels.float(), size=(8, 8), mode="bilinear", antialias=True
    )
    assert torch.equal(half.train.pixels, expected.round().to(torch.uint8))
    assert half.size == half.held_out.size == 8
    assert (half.name, half.class_names, half.notes) == (data.name, data.class_names, data.notes)
    assert half.train.labels is not None and data.train.labels is not None
    assert torch.equal(half.train.labels, data.train.labels)
    assert half.digest != data.digest
    assert data.resized(8) is half  # in memory
    assert data.resized(4).size == 4  # smaller than a data set may be: what a first stage looks at
    monkeypatch.setattr(functional, "interpolate", None)
    again = load_data(str(folder), 16, root).resized(8)  # on disk
    assert same(again, half) and again == half


def test_resizing_is_antialiased_and_keeps_unlabelled(tmp_path: Path) -> None:
    checks = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).mul(255).byte()
    images = ImageSet(checks.expand(5, 3, 16, 16).contiguous(), None)
    data = DataSet("checks", "0" * 64, (), images, images, (), tmp_path)
    half = data.resized(8)
    assert half.train.labels is None
    assert (half.train.pixels.int() - 127).abs().max() <= 20
    assert (data.resized(32).train.pixels.shape) == (5, 3, 32, 32)


def test_two_processes_fill_one_cache(folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork" if hasattr(shutil.os, "fork") else "spawn")
    gate, answers = context.Event(), context.Queue()
    workers = [
        context.Process(target=load_in_process, args=(folder, tmp_path / "cache", gate, answers))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    gate.set()
    digests = {answers.get(timeout=20) for _ in workers}
    for worker in workers:
        worker.join(20)
    assert digests == {load_data(str(folder), 16, tmp_path / "cache").digest}
    assert len(entries(tmp_path / "cache")) == 1


@pytest.mark.parametrize("kind", ["pipe", "endless", "deep", "a list", "files that are a list"])
@pytest.mark.parametrize("name", ["entry.json", "train_pixels.npy"])
def test_an_entry_that_is_no_plain_file_is_made_anew(
    kind: str, name: str, folder: Path, tmp_path: Path
) -> None:
    first = load_data(str(folder), 16, tmp_path / "cache")
    file = entries(tmp_path / "cache")[0] / name
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "endless":
        file.symlink_to("/dev/zero")
    else:
        file.write_text(
            {"deep": "[" * 10**6, "a list": "[]"}.get(kind, '{"files": [], "check": 0}')
        )
    with pytest.warns(UserWarning, match="are made anew"):
        second = load_data(str(folder), 16, tmp_path / "cache")
    assert same(first, second)
