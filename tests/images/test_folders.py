"""Folders and archives of images: layouts, splits, refusals."""

import io
import os
import stat
import tarfile
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from sources import classes, png, split, write_archive, write_folder, zip_of

from autogan.basics.errors import UserError
from autogan.images import archives, load_data
from autogan.images.dataset import DataSet


def load(path: Path, tmp_path: Path) -> DataSet:
    return load_data(f"folder:{path}", 8, tmp_path / "cache")


def values(data: DataSet, part: str = "train") -> list[int]:
    return [int(image[0, 0, 0]) for image in getattr(data, part).pixels]


def test_class_folders_are_labelled_split_and_shuffled(tmp_path: Path) -> None:
    data = load(write_folder(classes(100), tmp_path / "pets"), tmp_path)
    assert data.name == "folder:pets"
    assert data.class_names == ("cats", "dogs")
    assert data.train.labels is not None and data.held_out.labels is not None
    assert Counter(data.train.labels.tolist()) == {0: 90, 1: 90}
    assert Counter(data.held_out.labels.tolist()) == {0: 10, 1: 10}
    assert sorted(values(data) + values(data, "held_out")) == sorted([*range(200)])
    assert [value // 100 for value in values(data)] == data.train.labels.tolist()
    assert 30 < sum(data.train.labels[:100].tolist()) < 70
    assert values(data) != sorted(values(data))
    assert any("20 of 200" in note for note in data.notes)


@pytest.mark.parametrize("test", ["test", "val"])
def test_train_and_test_folders_are_used(tmp_path: Path, test: str) -> None:
    data = load(write_folder(split(30, 4, test), tmp_path / "pets"), tmp_path)
    assert (len(data.train), len(data.held_out)) == (60, 8)
    assert sorted(values(data, "held_out")) == [0, 1, 2, 3, 100, 101, 102, 103]
    assert data.held_out.labels is not None
    assert [v // 100 for v in values(data, "held_out")] == data.held_out.labels.tolist()


@pytest.mark.parametrize("folders", [("Train", "Test"), ("training", "testing"), ("TRAIN", "Val")])
def test_split_folders_may_be_spelled_otherwise(tmp_path: Path, folders: tuple[str, str]) -> None:
    train, test = folders
    files = {**classes(30, f"{train}/"), **classes(4, f"{test}/")}
    data = load(write_folder(files, tmp_path / "pets"), tmp_path)
    assert data.class_names == ("cats", "dogs")
    assert (len(data.train), len(data.held_out)) == (60, 8)


@pytest.mark.parametrize(
    ("tops", "why"),
    [
        (
            ("train/", "unlabelled/"),
            r"holds train/, unlabelled/\. These are no classes.*pets/train",
        ),
        (("test/", "val/"), r"holds test/, val/\. These are no classes.*a folder of classes"),
        (("train/", "Train/", "test/"), r"holds Train/ and train/: which one is meant"),
    ],
)
def test_split_folders_that_make_no_split_are_no_classes(
    tmp_path: Path, tops: tuple[str, ...], why: str
) -> None:
    files = {name: content for top in tops for name, content in classes(3, top).items()}
    with pytest.raises(UserError, match=why):
        load(write_folder(files, tmp_path / "pets"), tmp_path)


def test_class_names_of_two_unicode_forms_are_one_class(tmp_path: Path) -> None:
    files = {
        f"{part}/{unicodedata.normalize(form, name)}/{i}.png": png(i)
        for part, form in (("train", "NFC"), ("test", "NFD"))
        for name in ("café", "thé")
        for i in range(4)
    }
    data = load(write_folder(files, tmp_path / "drinks"), tmp_path)
    assert data.class_names == ("café", "thé")


def test_zips_from_windows_and_from_a_mac_keep_their_classes(tmp_path: Path) -> None:
    images = {f"{name}/{i}.png": png(i) for name in ("kühl", "warm") for i in range(3)}
    whole = load(write_archive(images, tmp_path / "whole.zip"), tmp_path)
    assert whole.class_names == ("kühl", "warm")
    for name, written in (
        ("backslashes", [(n.replace("/", "\\").encode(), True) for n in images]),
        ("unmarked", [(n.encode(), False) for n in images]),
    ):
        (tmp_path / f"{name}.zip").write_bytes(zip_of(written, list(images.values())))
        found = load(tmp_path / f"{name}.zip", tmp_path)
        assert (found, found.class_names) == (whole, whole.class_names)
    old = [(n.encode("cp850"), False) for n in images]
    (tmp_path / "old.zip").write_bytes(zip_of(old, list(images.values())))
    found = load(tmp_path / "old.zip", tmp_path)
    assert any("3 names in the archive are of an old Windows alphabet" in n for n in found.notes)


def test_folders_of_the_same_names_sizes_and_times_are_told_apart(tmp_path: Path) -> None:
    folders = []
    for shade in (10, 200):
        files = {f"{i}.bmp": bmp(shade) for i in range(10)}
        folders.append(write_folder(files, tmp_path / str(shade) / "copy"))
        for file in folders[-1].iterdir():
            os.utime(file, (0, 0))
    assert [set(values(load(folder, tmp_path))) for folder in folders] == [{10}, {200}]


def bmp(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(file, "BMP")
    return file.getvalue()


def test_val_beside_test_is_left_out_and_noted(tmp_path: Path) -> None:
    data = load(write_folder({**split(), **classes(2, "val/")}, tmp_path / "pets"), tmp_path)
    assert (len(data.train), len(data.held_out)) == (12, 6)
    assert any("4 images in val" in note for note in data.notes)


def test_flat_folder_is_unlabelled(tmp_path: Path) -> None:
    data = load(write_folder({f"{i}.png": png(i) for i in range(40)}, tmp_path / "all"), tmp_path)
    assert data.class_names == () and data.train.labels is None and data.held_out.labels is None
    assert (len(data.train), len(data.held_out)) == (36, 4)
    assert values(data) != sorted(values(data))


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    files = {f"{name}/{i}.png": png(i) for name in ("train", "bus") for i in range(3)}
    assert load(write_folder(files, tmp_path / "x"), tmp_path).class_names == ("bus", "train")


def test_linked_class_folders_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    write_folder(classes(4), tmp_path / "elsewhere")
    top = tmp_path / "top"
    top.mkdir()
    for name in ("cats", "dogs"):
        (top / name).symlink_to(tmp_path / "elsewhere" / name)
    (top / "loop").symlink_to(top)
    assert load(top, tmp_path).class_names == ("cats", "dogs")


def test_hidden_files_are_silent_and_others_noted(tmp_path: Path) -> None:
    extra = dict.fromkeys((".DS_Store", "__MACOSX/cats/._0.png", "cats/.hidden.png"), b"x")
    quiet = load(write_folder({**classes(), **extra}, tmp_path / "a"), tmp_path)
    assert not any("ignored" in note for note in quiet.notes)
    loud = load(write_folder({**classes(), "README.txt": b"x"}, tmp_path / "b"), tmp_path)
    assert "1 file that is not an image was ignored (README.txt)" in loud.notes
    assert loud == quiet


@pytest.mark.parametrize("ending", [".tar", ".tar.xz", ".tar.gz", ".zip"])
def test_archives_equal_the_folder(tmp_path: Path, ending: str) -> None:
    folder = load(write_folder(split(), tmp_path / "pets"), tmp_path)
    inside = {f"top/{name}": content for name, content in reversed(split().items())}
    path = write_archive(inside, tmp_path / f"pets{ending}")
    archive = load_data(str(path), 8, tmp_path / "cache")  # a bare path
    assert archive == folder and archive.digest == folder.digest
    assert values(archive) == values(folder)
    assert sorted(os.listdir(tmp_path)) == ["cache", "pets", f"pets{ending}"]


def test_archives_too_large_to_keep_are_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_archive(split(), tmp_path / "pets.tar.gz")
    kept = load_data(str(path), 8, tmp_path / "one")
    monkeypatch.setattr(archives, "_KEPT_BYTES", 100)
    again = load_data(str(path), 8, tmp_path / "two")
    assert values(again) == values(kept) and again == kept


@pytest.mark.parametrize("ending", [".tar", ".zip"])
@pytest.mark.parametrize(
    ("name", "why"),
    [("../evil.png", "leads out"), ("cats/../../evil.png", "leads out"), ("/evil.png", "absolute"),
     ("C:/evil.png", "absolute"), ("..\\evil.png", "leads out")],
)  # fmt: skip
def test_names_that_lead_out_are_refused(tmp_path: Path, ending: str, name: str, why: str) -> None:
    path = write_archive({**split(), name: png(0)}, tmp_path / f"x{ending}")
    with pytest.raises(UserError, match=why) as caught:
        load(path, tmp_path)
    shown = name.replace("\\", "/") if ending == ".zip" else name  # what it is taken for
    assert repr(shown) in str(caught.value)
    assert not list(tmp_path.rglob("evil*")) and not (tmp_path.parent / "evil.png").exists()
    assert not list((tmp_path / "cache").rglob("*.npy"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = write_archive(split(), tmp_path / "x.tar")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("odd.png")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(UserError, match=r"'odd\.png' is (a link|neither)"):
        load(path, tmp_path)


def test_links_in_zip_are_refused(tmp_path: Path) -> None:
    path = write_archive(split(), tmp_path / "x.zip")
    with zipfile.ZipFile(path, "a") as archive:
        member = zipfile.ZipInfo("odd.png")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match=r"'odd\.png' is a link"):
        load(path, tmp_path)


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [("MOST_MEMBERS", 17, "one too many"), ("MOST_BYTES", 1000, "unpacked size"),
     ("MOST_MEMBER_BYTES", 10, "unpacks to")],
)  # fmt: skip
def test_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, limit: str, value: int, why: str
) -> None:
    path = write_archive(split(), tmp_path / f"x{ending}")  # 18 images
    monkeypatch.setattr(archives, limit, value)
    with pytest.raises(UserError, match=why):
        load(path, tmp_path)


@pytest.mark.parametrize("ending", [".tar", ".tar.xz", ".tar.gz", ".zip"])
@pytest.mark.parametrize("damage", ["truncated", "other", "empty"])
def test_damaged_archives(tmp_path: Path, ending: str, damage: str) -> None:
    path = write_archive(split(), tmp_path / f"x{ending}")
    content = path.read_bytes()
    # A plain tar is cut inside a member: between members it is a shorter, whole archive.
    end = 3 * 512 + 20 if ending == ".tar" else len(content) // 2
    damaged = {"truncated": content[:end], "other": b"no archive" * 99, "empty": b""}
    path.write_bytes(damaged[damage])
    with pytest.raises(UserError, match=r"x\.(tar|zip)"):
        load(path, tmp_path)


@pytest.mark.parametrize("cut", ["at a member", "in a header"])
def test_a_tar_that_breaks_off_between_members_is_refused(tmp_path: Path, cut: str) -> None:
    whole = tmp_path / "whole.tar"
    with tarfile.open(whole, "w") as tar:
        for number in range(4):
            member = tarfile.TarInfo(f"a/{number}.bin")
            member.size = 512
            tar.addfile(member, io.BytesIO(bytes(512)))
    content = whole.read_bytes()
    end = 2 * 1024 + (0 if cut == "at a member" else 100)
    (tmp_path / "cut.tar").write_bytes(content[:end])
    with pytest.raises(UserError, match="its end is missing"):
        archives.open_archive(tmp_path / "cut.tar").names()
    assert len(archives.open_archive(whole).names()) == 4


def test_a_damaged_member_is_one_broken_image(tmp_path: Path) -> None:
    path = write_archive(classes(), tmp_path / "x.zip")
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("cats/003.png")
    content = bytearray(path.read_bytes())
    content[member.header_offset + 30 + len(member.filename) + 20] ^= 255
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"1 of 40 images") as caught:
        load(path, tmp_path)
    assert "cats/003.png: it is damaged inside the archive; pack it again" in str(caught.value)
    data = load_data(str(path), 8, tmp_path / "cache", skip_broken=True)
    assert len(data.train) + len(data.held_out) == 39


def test_an_encrypted_zip_says_what_to_do(tmp_path: Path) -> None:
    path = write_archive(classes(), tmp_path / "x.zip")
    content = path.read_bytes()
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flags of members, at both places
        parts = content.split(mark)
        content = mark.join(
            [parts[0], *(p[: place - 4] + b"\1" + p[place - 3 :] for p in parts[1:])]
        )
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"x\.zip is encrypted .*'cats/000\.png'.*Unpack it with its"
    ):
        load(path, tmp_path)


def test_a_compression_that_python_lacks_says_what_to_do(tmp_path: Path) -> None:
    path = write_archive(classes(), tmp_path / "x.zip")
    content = path.read_bytes()
    parts = content.split(b"PK\1\2")
    path.write_bytes(b"PK\1\2".join([parts[0], *(p[:6] + b"\x09\0" + p[8:] for p in parts[1:])]))
    with pytest.raises(UserError, match=r"'cats/000\.png' is compressed in a way.*Deflate"):
        load(path, tmp_path)


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """As in a zip bomb: every entry of the table of contents leads to the same bytes."""
    path = write_archive(classes(), tmp_path / "x.zip")
    with zipfile.ZipFile(path, "a") as archive:
        first = archive.infolist()[0]
        for member in archive.infolist()[1:]:
            member.header_offset = first.header_offset
        archive.comment = b"written anew"
    with pytest.raises(UserError, match=r"'cats/000\.png' shares bytes with .*zip bomb"):
        load(path, tmp_path)


@pytest.mark.parametrize("ending", [".tar", ".zip"])
def test_names_that_are_not_utf_8_are_refused(tmp_path: Path, ending: str) -> None:
    path = write_archive({**classes(), "cats/\xe4\xf6.png": png(0)}, tmp_path / f"x{ending}")
    path.write_bytes(path.read_bytes().replace("\xe4\xf6".encode(), b"\xff\xfe\xff\xfe"))
    if ending == ".tar":
        with tarfile.open(path, "w", encoding="latin-1", format=tarfile.GNU_FORMAT) as archive:
            for name, content in {**classes(), "cats/\xe4\xf6.png": png(0)}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    with pytest.raises(UserError, match="not UTF-8"):
        load(path, tmp_path)


@pytest.mark.parametrize("before", ["", "folder:", "cifar10:"])
def test_addresses_are_told_from_paths(tmp_path: Path, before: str) -> None:
    source = f"{before}https://host/x.zip"
    with pytest.raises(UserError, match=r"is an address \(https://\).*Download it first") as caught:
        load_data(source, 32, tmp_path / "cache")
    assert repr(source) in str(caught.value)


def test_repeated_member_is_refused(tmp_path: Path) -> None:
    path = write_archive(split(), tmp_path / "x.tar")
    with tarfile.open(path, "a") as archive:
        archive.addfile(tarfile.TarInfo("./train/cats/000.png"))
    with pytest.raises(UserError, match="twice"):
        load(path, tmp_path)


def test_broken_image_among_good_ones_is_named(tmp_path: Path) -> None:
    path = write_folder({**classes(), "cats/003.png": b"broken"}, tmp_path / "pets")
    with pytest.raises(UserError, match=r"1 of 40 images .*\n.*cats/003\.png"):
        load(path, tmp_path)
    (path / "cats/003.png").write_bytes(png(3))  # and no half-made entry stays behind
    assert len(load(path, tmp_path).train) == 36


ONE = {"cats/0.png": png(0)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no images in .* it holds nothing"),
        ({"a.txt": b"", "b.pdf": b""}, r"only other files \(a\.txt, b\.pdf\)"),
        ({"a.png": png(0)}, "only one image"),
        ({**classes(), "birds/0.png": png(0)}, "class 'birds' in .* has a single image"),
        ({**classes(), "cover.png": png(0)}, r"images \(cover\.png\) beside folders"),
        ({**split(), "test/birds/0.png": png(0)}, "only in test: birds"),
        ({**split(), "train/birds/0.png": png(0)}, "only in train: birds"),
        ({**split(), "extra/0.png": png(0)}, r"images beside them \(extra\)"),
        ({**split(), "0.png": png(0)}, r"images beside them \(at the top\)"),
        ({**classes(3, "train/"), "test/0.png": png(0)}, "only in train: cats, dogs"),
        ({"train/0.png": png(0), "test/0.png": png(0)}, "only one image in .*train"),
    ],
)
def test_unusable_folders(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    path = tmp_path / "pets"
    path.mkdir()
    with pytest.raises(UserError, match=message):
        load(write_folder(files, path), tmp_path)


def test_unusable_sources(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for source, message in {
        f"folder:{tmp_path}/gone": "no folder or archive",
        f"{tmp_path}/gone": "no folder or archive",
        "gone.zip": "no folder or archive",
        f"{tmp_path}/notes.txt": "neither a folder nor an archive",
        "folder": "needs a path",
        "folder:": "needs a path",
        "cifar10:": "names no path",
        "glyphs:x": "takes no path",
        "glyps": "Did you mean 'glyphs'.*Known: cifar10, folder, glyphs, stl10",
        "": "Unknown image source",
        "folder:" + "x" * 5000: "cannot be read: File name too long",
        "folder:a\0b": "is no path",
        "folder:~no-such-user/x": "is no path",
    }.items():
        with pytest.raises(UserError, match=message):
            load_data(source, 32, tmp_path / "cache")


@pytest.mark.parametrize("size", [0, 7, 257])
def test_sizes_are_checked(tmp_path: Path, size: int) -> None:
    with pytest.raises(UserError, match=f"is {size}; allowed are 8 to 256"):
        load_data("glyphs", size, tmp_path)
