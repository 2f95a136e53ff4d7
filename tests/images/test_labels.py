"""Images of which some have labels: a folder `unlabelled`, and labels.csv beside loose images."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from sources import classes, png, split, write_archive, write_folder

from autogan.basics.errors import UserError
from autogan.images import load_data
from autogan.images.dataset import DataSet
from autogan.images.sources import check_source

UNLABELLED = {f"unlabelled/{i:03}.png": png(210 + i) for i in range(30)}
LOOSE = {f"{i:03}.png": png(i) for i in range(40)}
LINES = [f"{i:03}.png,{('pear', 'plum', '')[i % 3]}" for i in range(40)]


def load(path: Path, tmp_path: Path, size: int = 8) -> DataSet:
    return load_data(f"folder:{path}", size, tmp_path / "cache")


def table(*lines: str) -> bytes:
    return "\n".join(["file,label", *lines, ""]).encode()


def labels_by_value(data: DataSet) -> dict[int, int]:
    """The label of each image by its grey value."""
    pairs = {}
    for part in (data.train, data.held_out):
        assert part.labels is not None
        grey = part.pixels[:, 0, 0, 0]
        pairs.update(zip(grey.tolist(), part.labels.tolist(), strict=True))
    return pairs


def test_a_folder_of_unlabelled_images_beside_class_folders(tmp_path: Path) -> None:
    data = load(write_folder({**classes(20), **UNLABELLED}, tmp_path / "pets"), tmp_path)
    assert data.class_names == ("cats", "dogs") and data.labelled
    found = labels_by_value(data)
    assert len(found) == 70
    assert all(label == (-1 if value >= 210 else value // 100) for value, label in found.items())
    assert data.train.labels is not None and data.held_out.labels is not None
    assert Counter(data.held_out.labels.tolist()) == {0: 2, 1: 2, -1: 3}
    assert data.classes is not None and data.classes.unlabelled
    assert (data.classes.names, data.classes.shares) == (("cats", "dogs"), (0.5, 0.5))
    assert "70 images, 40 of them labelled in 2 classes" in data.notes


def test_unlabelled_images_may_be_trained_on_beside_a_test_folder(tmp_path: Path) -> None:
    files = {**split(6, 3), **{f"train/{name}": content for name, content in UNLABELLED.items()}}
    data = load(write_folder(files, tmp_path / "pets"), tmp_path)
    assert data.train.labels is not None and data.held_out.labels is not None
    assert Counter(data.train.labels.tolist()) == {0: 6, 1: 6, -1: 30}
    assert Counter(data.held_out.labels.tolist()) == {0: 3, 1: 3}


def test_smaller_copies_have_the_same_labels(tmp_path: Path) -> None:
    data = load(write_folder({**classes(20), **UNLABELLED}, tmp_path / "pets"), tmp_path, 16)
    small = data.resized(8)
    assert data.train.labels is not None and small.train.labels is not None
    assert torch.equal(small.train.labels, data.train.labels)
    assert small.classes == data.classes


def test_all_images_unlabelled_are_images_without_classes(tmp_path: Path) -> None:
    data = load(write_folder(UNLABELLED, tmp_path / "pets"), tmp_path)
    assert data.class_names == () and data.train.labels is None and data.classes is None
    one = {f"cats/{i}.png": png(i) for i in range(4)}
    data = load(write_folder({**one, **UNLABELLED}, tmp_path / "one"), tmp_path)
    assert data.class_names == () and len(data.train) + len(data.held_out) == 34
    assert any("only one class (cats)" in note for note in data.notes)


def test_a_class_of_one_image_is_named(tmp_path: Path) -> None:
    files = {**classes(4), **UNLABELLED, "birds/0.png": png(200)}
    with pytest.raises(UserError, match=r"class 'birds' in .* has a single image"):
        load(write_folder(files, tmp_path / "pets"), tmp_path)
    lines = ["000.png,pear", *LINES[1:39], "039.png,quince"]
    with pytest.raises(UserError, match=r"class 'quince' in .* has a single image"):
        load(write_folder({**LOOSE, "labels.csv": table(*lines)}, tmp_path / "a"), tmp_path)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz", "inside one folder"])
def test_a_table_labels_loose_images(tmp_path: Path, kind: str) -> None:
    files: Mapping[str, bytes] = {**LOOSE, "labels.csv": table(*LINES)}
    if kind == "inside one folder":
        files = {f"fruit/{name}": content for name, content in files.items()}
    if kind in ("folder", "inside one folder"):
        path = write_folder(files, tmp_path / "fruit")
    else:
        path = write_archive(files, tmp_path / f"fruit.{kind}")
    check_source(f"folder:{path}")
    data = load(path, tmp_path)
    assert data.class_names == ("pear", "plum")
    expected = {i: (0, 1, -1)[i % 3] for i in range(40)}
    assert labels_by_value(data) == expected
    assert data.held_out.labels is not None
    assert Counter(data.held_out.labels.tolist()) == {0: 1, 1: 1, -1: 1}
    assert "40 images, 27 of them labelled in 2 classes" in data.notes
    assert not any("labels.csv" in note for note in data.notes), "it was taken for a mistake"


def test_other_labels_are_other_data(tmp_path: Path) -> None:
    path = write_folder({**LOOSE, "labels.csv": table(*LINES)}, tmp_path / "fruit")
    one = load(path, tmp_path)
    (path / "labels.csv").write_bytes(table(*LINES[:-1], "039.png,plum"))
    other = load(path, tmp_path)
    assert one != other and labels_by_value(one)[39] == 0 and labels_by_value(other)[39] == 1
    (path / "labels.csv").unlink()
    assert load(path, tmp_path).class_names == ()


def test_tables_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    quoted = ['"000.png", "pear, green"', '001.png,"pear, green"', *LINES[2:]]
    content = "\r\n".join(["\ufefffile,label", *quoted, ""]).encode()
    path = write_folder({**LOOSE, "labels.csv": content}, tmp_path / "fruit")
    with pytest.raises(UserError, match=r"line 2: it has 3 parts"):  # a blank before the quotation
        load(path, tmp_path)
    (path / "labels.csv").write_bytes(content.replace(b'", "', b'","'))
    assert load(path, tmp_path).class_names == ("pear", "pear, green", "plum")


def test_labels_of_two_unicode_forms_are_one_class(tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "poiré") for form in ("NFC", "NFD")]
    lines = [f"{i:03}.png,{('plum', *forms)[i % 3]}" for i in range(40)]
    data = load(write_folder({**LOOSE, "labels.csv": table(*lines)}, tmp_path / "fruit"), tmp_path)
    assert data.class_names == ("plum", forms[0])


def test_a_table_without_labels_is_of_images_without_classes(tmp_path: Path) -> None:
    content = table(*(f"{i:03}.png," for i in range(40)))
    data = load(write_folder({**LOOSE, "labels.csv": content}, tmp_path / "fruit"), tmp_path)
    assert data.class_names == () and data.train.labels is None
    assert any("no image has a label" in note for note in data.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"labels\.csv, line 1: the header must be 'file,label'"),
        (b"\n".join([b"name,class", b"000.png,pear"]), r"line 1: the header .* not 'name,class'"),
        (table("000.png"), r"line 2: it has 1 parts"),
        (table(*LINES, "000.png,pear,plum"), r"line 42: it has 3 parts"),
        (table(*LINES, "999.png,pear"), r"line 42: there is no image '999\.png'"),
        (table(*LINES, "../x.png,pear"), r"line 42: there is no image"),
        (table(*LINES, "labels.csv,pear"), r"line 42: there is no image 'labels\.csv'"),
        (table(*LINES, ",pear"), r"line 42: there is no image ''"),
        (table(*LINES, "000.png,plum"), r"line 42: '000\.png' stands there twice"),
        (table(*LINES[:-1]), r"no line for '039\.png'\."),
        (table(*LINES[:-3]), r"no line for '037\.png' and 2 more"),
        (table(*(f"{i:03}.png,pear" for i in range(40))), r"one class only \('pear'\)"),
        (table(*LINES[:-1], f"039.png,{'x' * 1001}"), r"line 41: the label has 1,001 characters"),
        (b"file,label\n\xff\xfe,pear\n", r"is not UTF-8"),
        (table('"000.png,pear'), r"line 2: it is no CSV"),
        (table(LINES[0], '001.png,"pear', *LINES[2:]), r"line 3: it is no CSV"),
        (table(*LINES, "\x00,pear"), r"line 42"),
        (table(f"{'x' * 200_000},pear"), r"line 2: it is no CSV"),
    ],
)
def test_a_table_that_cannot_be_meant_is_named_before_images_are_opened(
    tmp_path: Path, content: bytes, message: str
) -> None:
    unopened = dict.fromkeys(LOOSE, b"no image at all")
    path = write_folder({**unopened, "labels.csv": content}, tmp_path / "fruit")
    for check in (lambda: check_source(f"folder:{path}"), lambda: load(path, tmp_path)):
        with pytest.raises(UserError, match=message):
            check()


def test_broken_images_need_their_lines_too(tmp_path: Path) -> None:
    files = {**LOOSE, "005.png": b"broken", "labels.csv": table(*LINES)}
    path = write_folder(files, tmp_path / "fruit")
    data = load_data(f"folder:{path}", 8, tmp_path / "cache", skip_broken=True)
    assert len(data.train) + len(data.held_out) == 39
    assert all(label == (0, 1, -1)[value % 3] for value, label in labels_by_value(data).items())


def test_a_table_elsewhere_is_a_file_like_others(tmp_path: Path) -> None:
    files = {**classes(20), "labels.csv": b"anything", "cats/labels.csv": b"at all"}
    data = load(write_folder(files, tmp_path / "pets"), tmp_path)
    assert data.class_names == ("cats", "dogs")
    assert any("2 files that are not images were ignored" in note for note in data.notes)


def test_names_in_the_table_may_have_another_unicode_form(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    files = {f"{decomposed}{i}.png": png(i) for i in range(20)}
    lines = [f"café{i}.png,{('pear', 'plum')[i % 2]}" for i in range(20)]
    data = load(write_folder({**files, "labels.csv": table(*lines)}, tmp_path / "x"), tmp_path)
    assert labels_by_value(data) == {i: i % 2 for i in range(20)}


@pytest.mark.parametrize("classes_left", [2, 1])
def test_a_class_whose_images_are_all_broken_is_gone(tmp_path: Path, classes_left: int) -> None:
    names = ("pear", "plum", "kiwi")[: classes_left + 1]
    whole = {f"{i}.png": png(i) for i in range(10 * classes_left)}
    broken = {f"{i}.png": b"no image" for i in range(10 * classes_left, 10 * classes_left + 10)}
    lines = [f"{i}.png,{names[i // 10]}" for i in range(10 * classes_left + 10)]
    both = {**whole, **broken, "labels.csv": table(*lines)}
    path = write_folder(both, tmp_path / "x")
    data = load_data(f"folder:{path}", 8, tmp_path / "cache", skip_broken=True)
    only = {**whole, "labels.csv": table(*lines[: 10 * classes_left])}
    if classes_left > 1:
        alone = load(write_folder(only, tmp_path / "y"), tmp_path)
        assert data.class_names == alone.class_names and data.digest == alone.digest
    else:
        assert data.class_names == () and data.train.labels is None
