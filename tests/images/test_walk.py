"""Which links of an image folder are followed, what is left out of it, and where it is too much."""

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autogan.basics.errors import UserError
from autogan.images import DataSet, load_data, walk


def write(folder: Path, *names: str) -> Path:
    """Two images in each of these folders below `folder`; all of them differ."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            random = np.random.default_rng(zlib.crc32(f"{name}/{number}".encode()))
            picture = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
            picture.save(folder / name / f"{number}.png")
    return folder


def load(folder: Path, tmp_path: Path) -> DataSet:
    return load_data(f"folder:{folder}", 8, tmp_path / "cache")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return write(tmp_path / "pets", "cats", "dogs")


@pytest.mark.parametrize("place", ["", "cats/"])
def test_loops_and_links_to_nowhere_are_named_and_left_out(
    pets: Path, tmp_path: Path, place: str
) -> None:
    plain = load(pets, tmp_path)
    names = {
        "self": "leads to itself", "gone": "leads nowhere",
        "top": "leads to a folder that is read already", "above": "leads to a folder above",
        "disk": "leads to a folder above",
    }  # fmt: skip
    targets = {"self": "self", "gone": "nothing", "top": pets, "above": tmp_path, "disk": "/"}
    for name, target in targets.items():
        (pets / place / name).symlink_to(target)
    data = load(pets, tmp_path)
    assert data == plain
    (note,) = [note for note in data.notes if "left out" in note]
    assert note.startswith("5 links were left out (")
    for name, why in names.items():
        assert f"{place}{name} {why}" in note


@pytest.mark.parametrize("splits", [[""], ["train/", "test/"]])
def test_class_folders_may_be_links_to_images_elsewhere(tmp_path: Path, splits: list[str]) -> None:
    for split in splits:
        store = write(tmp_path / f"store{split}", f"{split}cats", f"{split}dogs")
        (tmp_path / "pets" / split).mkdir(parents=True)
        for name in ("cats", "dogs"):
            (tmp_path / "pets" / split / name).symlink_to(store / split / name)
    data = load(tmp_path / "pets", tmp_path)
    assert data.class_names == ("cats", "dogs") and not any("link" in note for note in data.notes)
    assert len(data.train) + len(data.held_out) == 4 * len(splits)


def test_a_folder_that_two_links_lead_to_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "store", "cats", "dogs")
    (tmp_path / "pets").mkdir()
    for link, name in {"a": "cats", "b": "dogs", "c": "cats"}.items():
        (tmp_path / "pets" / link).symlink_to(tmp_path / "store" / name)
    data = load(tmp_path / "pets", tmp_path)
    assert data.class_names == ("a", "b")
    assert "1 link was left out (c leads to a folder that is read already)" in data.notes


def test_split_folders_may_be_links_whose_classes_are_links(tmp_path: Path) -> None:
    write(tmp_path / "one", "cats", "dogs")
    write(tmp_path / "two", "cats", "dogs")
    (tmp_path / "linked").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "linked" / name).symlink_to(tmp_path / "two" / name)
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "train").symlink_to(tmp_path / "one")
    (tmp_path / "pets" / "val").symlink_to(tmp_path / "linked")
    data = load(tmp_path / "pets", tmp_path)
    assert data.class_names == ("cats", "dogs")
    assert (len(data.train), len(data.held_out)) == (4, 4)


def test_deeper_links_stay_inside(pets: Path, tmp_path: Path) -> None:
    plain = load(pets, tmp_path)
    elsewhere = write(tmp_path / "elsewhere", "birds")
    (pets / "cats" / "more").symlink_to(elsewhere)
    data = load(pets, tmp_path)
    assert data == plain
    assert "1 link was left out (cats/more leads out of the folder)" in data.notes
    (pets / "cats" / "more").unlink()
    write(pets, ".store/birds")
    (pets / "cats" / "more").symlink_to(pets / ".store" / "birds")
    assert len(load(pets, tmp_path).train) == len(plain.train) + 2


def test_links_to_files_are_followed(pets: Path, tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere", "birds")
    (pets / "cats" / "more.png").symlink_to(elsewhere / "birds" / "0.png")
    data = load(pets, tmp_path)
    assert len(data.train) + len(data.held_out) == 5


def test_a_link_to_a_folder_without_images_is_left_out(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    (tmp_path / "texts" / "b").symlink_to("b")
    (pets / "texts").symlink_to(tmp_path / "texts")
    assert (
        "1 link was left out (texts leads to a folder without images)" in load(pets, tmp_path).notes
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_link_to_a_process_is_left_out(pets: Path, tmp_path: Path) -> None:
    (pets / "process").symlink_to("/proc/self")
    (note,) = [note for note in load(pets, tmp_path).notes if "link" in note]
    assert note.startswith("1 link was left out (process ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_are_never_opened(pets: Path, tmp_path: Path) -> None:
    plain = load(pets, tmp_path)
    os.mkfifo(pets / "cats" / "pipe.png")
    (pets / "cats" / "link.png").symlink_to("pipe.png")
    data = load(pets, tmp_path)
    assert data == plain
    assert (
        "2 files were left out (cats/link.png is neither a file nor a folder, "
        "cats/pipe.png is neither a file nor a folder)"
    ) in data.notes
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(UserError, match="neither a folder nor a file"):
        load(tmp_path / "pipe.zip", tmp_path)


def test_only_what_was_left_out_is_told_where_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "self").symlink_to("self")
    with pytest.raises(UserError, match=r"holds nothing\. 1 link was left out \(self leads to its"):
        load(tmp_path / "pets", tmp_path)


def test_hidden_folders_are_passed_over_in_silence(pets: Path, tmp_path: Path) -> None:
    plain = load(pets, tmp_path)
    write(pets, ".hidden")
    (pets / ".hidden" / "self").symlink_to("self")
    (pets / ".self").symlink_to(".self")
    data = load(pets, tmp_path)
    assert data == plain and data.notes == plain.notes


def test_a_folder_too_deep_is_refused(pets: Path, tmp_path: Path) -> None:
    write(pets, "cats/" + "d/" * 19)
    load(pets, tmp_path)
    (pets / ("d/" * 300)).mkdir(parents=True)
    with pytest.raises(UserError, match=r"more than 20 deep \(d/d/.*Move the images up"):
        load(pets, tmp_path)


def test_too_many_files_are_refused(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_FILES", 3)
    with pytest.raises(UserError, match=r"more than 3 files.*limit_factor"):
        load(pets, tmp_path)
    assert load_data(str(pets), 8, tmp_path / "cache", limit_factor=2)


def test_large_folders_tell_how_far_they_are(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "_TOLD_EVERY_FILES", 3)
    monkeypatch.setattr("autogan.images.sources._TOLD_EVERY_IMAGES", 2)
    told: list[str] = []
    load_data(str(pets), 8, tmp_path / "cache", tell=told.append)
    assert told == ["looking for images: 3 files", "reading images: 2 of 4"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_folder_without_rights_is_named(pets: Path, tmp_path: Path) -> None:
    (pets / "cats").chmod(0)
    try:
        with pytest.raises(UserError, match=r"cannot be read: Permission denied \(.*cats\)"):
            load(pets, tmp_path)
    finally:
        (pets / "cats").chmod(0o755)
