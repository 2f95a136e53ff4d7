"""Names drawn at random, as folders and archives may hold them: readable, or a UserError."""

import io
import itertools
import json
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sources import zip_of

from autogan.basics.errors import UserError
from autogan.images import layout
from autogan.images.archives import open_archive
from autogan.images.decode import image_suffixes
from autogan.images.folders import Files, Folder

SUFFIXES = image_suffixes()
OFTEN = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FEW = settings(OFTEN, max_examples=60)

words = st.sampled_from(
    [
        "train",
        "test",
        "val",
        "cats",
        "dogs",
        ".",
        "..",
        ".hidden",
        "__MACOSX",
        "",
        " ",
        "a.png",
        "b.JPG",
    ]
)
parts = words | st.text(max_size=6).filter(lambda text: "/" not in text)
names = st.builds(
    lambda folders, name, suffix: "/".join([*folders, name]) + suffix,
    st.lists(parts, max_size=4),
    parts,
    st.sampled_from(["", ".png", ".jpg", ".txt"]),
)
raw_names = names.map(lambda name: name.encode(errors="replace")) | st.binary(max_size=12)


def checked(layout_of: layout.Layout) -> None:
    """What every layout must be, whatever the names were."""
    both = (layout_of.train, layout_of.held_out)
    used = [name for split in both for name in split.names]
    assert len(set(used)) == len(used) >= 2 and all(split.names for split in both)
    for split in both:
        if layout_of.class_names:
            assert split.labels is not None and len(split.labels) == len(split.names)
            assert set(split.labels) <= set(range(len(layout_of.class_names)))
        else:
            assert split.labels is None
    assert layout_of.class_names == tuple(sorted(layout_of.class_names))
    json.dumps([layout_of.class_names, layout_of.notes], ensure_ascii=False).encode()


def arranged(read: Callable[[], Files]) -> None:
    """Reads and arranges what is there; a UserError is as good, if its message can be shown."""
    try:
        files = read()
        found = files.names()
        checked(layout.arrange(found, SUFFIXES, "here", files.notes()))
        assert {name for name, _ in files.contents(found)} == set(found)
    except UserError as error:
        str(error).encode()


@OFTEN
@given(st.lists(names, max_size=12, unique=True))
def test_any_names_are_arranged(found: list[str]) -> None:
    try:
        checked(layout.arrange(found, SUFFIXES, "here"))
    except UserError as error:
        assert str(error)


@OFTEN
@given(st.lists(names, max_size=12, unique=True), st.randoms())
def test_the_order_of_names_changes_nothing(found: list[str], random: Random) -> None:
    def outcome(given_names: Iterable[str]) -> object:
        try:
            plan = layout.arrange(given_names, SUFFIXES, "here")
        except UserError as error:
            return str(error)
        return plan.train, plan.held_out, plan.class_names

    mixed = list(found)
    random.shuffle(mixed)
    assert outcome(mixed) == outcome(found)


@OFTEN
@given(st.lists(raw_names, max_size=8))
def test_a_tar_may_hold_any_names(
    tmp_path_factory: pytest.TempPathFactory, found: list[bytes]
) -> None:
    file = tmp_path_factory.mktemp("any") / "x.tar"
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in found:
            member = tarfile.TarInfo(name.decode(errors="surrogateescape"))
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
    arranged(lambda: open_archive(file))


@OFTEN
@given(st.lists(st.tuples(raw_names, st.booleans()), max_size=8))
def test_a_zip_may_hold_any_names(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[bytes, bool]]
) -> None:
    file = tmp_path_factory.mktemp("any") / "x.zip"
    file.write_bytes(zip_of(found, [b"x"] * len(found)))
    arranged(lambda: open_archive(file))


def test_the_zip_that_is_made_here_is_one() -> None:
    made = zip_of([(b"a/0.png", True), (b"a/1.png", False)], [b"x", b"y"])
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None and archive.namelist() == ["a/0.png", "a/1.png"]


targets = st.sampled_from([".", "..", "../..", "/", "gone", "self", "cats", "train", "/dev/null"])


@FEW
@given(st.lists(st.tuples(raw_names, st.none() | targets), max_size=10))
def test_a_folder_may_hold_any_names_and_links(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[bytes, str | None]]
) -> None:
    top = tmp_path_factory.mktemp("any").resolve() / "images"
    top.mkdir()
    for name, target in found:
        make(top, name, target)
    arranged(lambda: Folder(top))


counter = itertools.count()


def make(top: Path, name: bytes, target: str | None) -> None:
    """A file, or a link to `target`, of this name; nothing where the system takes no such name."""
    folders = [part for part in name.split(b"/") if part not in (b"", b".", b"..")]
    if not folders:
        return
    path = os.path.join(os.fsencode(top), *folders)
    try:
        if os.path.realpath(os.path.dirname(path)) != os.path.dirname(path):
            return  # through a link that was made before: nothing is written outside
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if target is not None:
            os.symlink(target, path)
            return
        with open(path, "xb") as file:
            file.write(str(next(counter)).encode())
    except (OSError, ValueError):
        return
