"""Hostile input made by hand: what no random damage would hit upon."""

import gzip
import io
import itertools
import json
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hostile import (
    generator_bytes,
    image_bytes,
    refused,
    run_files,
    safetensors_of,
    safetensors_parts,
    survived,
    tar_bytes,
    zip_bytes,
)
from PIL import Image
from typer.testing import CliRunner

from autogan.basics.errors import UserError
from autogan.cli.common import app
from autogan.images import archives as archives_module
from autogan.images import load_data

pytestmark = pytest.mark.usefixtures("own_cache")


def link(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def plain_member(
    name: str, content: bytes = b"x", claimed: int = 0
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = claimed
    return info, content


def sparse_member(size: int) -> tuple[tarfile.TarInfo, bytes]:
    """A file of zeros that takes no room in the archive."""
    info = tarfile.TarInfo("a/sparse.png")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1"}
    info.pax_headers |= {"GNU.sparse.size": str(size), "GNU.sparse.numblocks": "0"}
    return info, b""


def zip_with(name: str, content: bytes = b"x", **fields: Any) -> bytes:
    stream = io.BytesIO(zip_bytes())
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        for field, value in fields.items():
            setattr(info, field, value)
        archive.writestr(info, content)
    return stream.getvalue()


def png_of_zeros(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG that is small on disk and large in memory, all of it zeros."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = bytes(1 + width * channels * depth // 8)
    packer = zlib.compressobj(1)
    packed = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


EVIL_TARS = {
    "above": tar_bytes(plain_member("../above.png")),
    "absolute": tar_bytes(plain_member("/tmp/absolute.png")),
    "drive": tar_bytes(plain_member("c:\\windows.png")),
    "symbolic link": tar_bytes(link("a/link.png", tarfile.SYMTYPE, "/etc/passwd")),
    "hard link": tar_bytes(link("a/link.png", tarfile.LNKTYPE, "a/0.png")),
    "device": tar_bytes(link("a/device.png", tarfile.CHRTYPE)),
    "pipe": tar_bytes(link("a/pipe.png", tarfile.FIFOTYPE)),
    "twice": tar_bytes(plain_member("a/0.png")),
    "twice in other words": tar_bytes(plain_member("a/./0.png")),
    "claims 8 GiB": tar_bytes(plain_member("a/large.png", claimed=2**33)),
    "sparse 900 GiB": tar_bytes(sparse_member(900 * 2**30)),
    "sparse 900 MiB": tar_bytes(sparse_member(900 * 2**20)),
    "nothing": b"",
    "only zeros": bytes(10240),
}
EVIL_ZIPS = {
    "above": zip_with("../../above.png"),
    "above, backwards": zip_with("..\\above.png"),
    "absolute": zip_with("/tmp/absolute.png"),
    "symbolic link": zip_with("a/link.png", b"/etc/passwd", external_attr=0o120777 << 16),
    "no name": zip_with(""),
    "a NUL in the name": zip_with("a/nul\0.png"),
    "a very long name": zip_with("a/" + "x" * 60_000 + ".png"),
    "a claim of less": zip_with("a/large.png", bytes(10**7)).replace(
        struct.pack("<I", 10**7), struct.pack("<I", 10)
    ),
    "a claim of more": zip_with("a/small.png", bytes(10**5)).replace(
        struct.pack("<I", 10**5), struct.pack("<I", 2**31)
    ),
    "nothing": b"",
}
EVIL_PICTURES = {
    "100,000 × 100,000": png_of_zeros(100_000, 1)[:16] + struct.pack(">II", 10**5, 10**5),
    "89 million pixels": png_of_zeros(9400, 9400),
    "no pixel": image_bytes("PPM").replace(b"16 16", b"0 0"),
    "negative": image_bytes("PPM").replace(b"16 16", b"-1 16"),
    "1 × 60,000": image_bytes("PNG", (1, 60_000)),
    "a text": b"\x89PNG\r\n\x1a\n" + b"hello " * 100,
    "empty": b"",
}
EVIL_YAML = {
    "laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n".encode()
        for a, b in itertools.pairwise("abcdefghi")
    )
    + b"seed: *i\ndata: *i\n",
    "itself": b"seed: &a [*a]\n",
    "itself by name": b"&a\ndata: *a\n",
    "depth": b"seed: " + b"[" * 2000,
    "depth by name": b"{a: " * 3000,
    "code": b"seed: !!python/object/apply:os.system ['touch hacked']\n",
    "a module": b"seed: !!python/name:os.system\n",
    "a day": b"seed: 2024-13-77\n",
    "digits": b"seed: " + b"9" * 5000 + b"\n",
    "hexadecimal": b"seed: 0x" + b"f" * 9000 + b"\n",
    "base 60": b"seed: " + b":".join([b"59"] * 2000) + b"\n",
    "numbers as names": b"1: 2\n? [a, b]\n: c\n",
    "a number as a name": b"1: 2\nseed: {2: 3}\n",
    "another kind": b"- a\n- b\n",
    "two documents": b"seed: 1\n---\nseed: 2\n",
    "a tab": b"data:\n\tsource: x\n",
    "UTF-16": "seed: 1\n".encode("utf-16"),
    "NUL": b"seed: \0\n",
    "not a number": b"train: {learning_rate: .nan}\n",
    "infinity": b"train: {learning_rate: .inf}\n",
    "a huge size": b"network: {bottom_size: 1%s}\n" % (b"0" * 40),
    "a long text": b"data: {source: '" + b"x" * 10**5 + b"'}\n",
    "binary": b"data: {source: !!binary 'AAAA'}\n",
    "a set": b"search: !!set {a, b}\n",
}
EVIL_TEXTS = {
    "40 cells": "/".join(["pre-none-nearest"] * 40),
    "5,000 cells": "/".join(["pre-none-nearest"] * 5000),
    "a vector of 60 cells": " ".join(["0"] * 4 + ["0"] * 5 * 59),
    "a skip from far": "pre-none-nearest/pre-none-nearest+skip" + "9" * 5000,
    "long numbers": " ".join(["9" * 5000] * 4),
    "brackets": "[" * 10_000,
    "many minus signs": "-" * 20_000,
    "digits and spaces": "1 " * 20_000 + "x",
    "markup": "[bold]x[/italic]",
    "a file": "/etc/passwd.json",
    "a folder": "..json",
}
EVIL_METADATA = {
    "a width of a thousand million": {"channels": "1000000000"},
    "a bottom of a million": {"bottom_size": "1000000"},
    "a negative width": {"channels": "-1"},
    "a negative bottom": {"bottom_size": "-4"},
    "a bottom of 70 bits": {"bottom_size": "9" * 20},
    "a width of 100 bits": {"channels": "9" * 30},
    "latents of 100 bits": {"latent_size": "9" * 30},
    "no width": {"channels": "0"},
    "many digits": {"latent_size": "9" * 5000},
    "40 cells": {"architecture": "/".join(["pre-none-nearest"] * 40)},
    "an origin that is a list": {"origin": "[1]"},
    "a deep origin": {"origin": "[" * 100_000},
}


@pytest.mark.parametrize("name", EVIL_TARS)
@pytest.mark.parametrize("packed", ["tar", "tar.gz"])
def test_a_hostile_tar_is_refused(name: str, packed: str, tmp_path: Path) -> None:
    content = EVIL_TARS[name]
    file = tmp_path / "in" / f"images.{packed}"
    file.parent.mkdir()
    file.write_bytes(content if packed == "tar" else gzip.compress(content, 1))
    assert refused(file.parent, "data", "info", file, "--image-size", 16)


@pytest.mark.parametrize("name", EVIL_ZIPS)
def test_a_hostile_zip_is_survived(name: str, tmp_path: Path) -> None:
    file = tmp_path / "in" / "images.zip"
    file.parent.mkdir()
    file.write_bytes(EVIL_ZIPS[name])
    survived(file.parent, "data", "info", file, "--image-size", 16)


@pytest.mark.parametrize("name", EVIL_PICTURES)
def test_a_hostile_picture_is_survived(name: str, tmp_path: Path) -> None:
    for number in range(11):
        picture = tmp_path / "in" / f"{number}.png"
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(image_bytes() if number else EVIL_PICTURES[name])
    survived(tmp_path / "in", "data", "info", tmp_path / "in", "--image-size", 16)


@pytest.mark.parametrize("name", EVIL_YAML)
def test_hostile_settings_are_survived(name: str, tmp_path: Path) -> None:
    file = tmp_path / "in" / "settings.yaml"
    file.parent.mkdir()
    file.write_bytes(EVIL_YAML[name])
    survived(file.parent, "run", "--config", file, "--out", "out", "--dry-run")
    assert not (tmp_path / "hacked").exists()
    (file.parent / "config.yaml").write_bytes(EVIL_YAML[name])
    refused(file.parent, "run", "--resume", "--out", file.parent)
    value = EVIL_YAML[name].decode("utf-8", "replace").partition(":")[2].partition("\n")[0]
    survived(file.parent, "run", "--set", f"seed={value}", "--out", "out", "--dry-run")


@pytest.mark.parametrize("name", EVIL_TEXTS)
def test_a_hostile_architecture_is_refused(name: str, tmp_path: Path) -> None:
    refused(tmp_path, "arch", "show", "--", EVIL_TEXTS[name])


@pytest.mark.parametrize("name", EVIL_METADATA)
def test_a_generator_that_claims_too_much_is_refused(name: str, tmp_path: Path) -> None:
    header, body = safetensors_parts(generator_bytes(tmp_path))
    header["__metadata__"] |= EVIL_METADATA[name]
    file = tmp_path / "in" / "generator.safetensors"
    file.parent.mkdir()
    file.write_bytes(safetensors_of(header, body))
    refused(file.parent, "sample", file, "--out", "out/x.png")


def test_limits_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives_module, "MOST_MEMBERS", 5)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # the pictures have 256
    file = tmp_path / "images.zip"
    file.write_bytes(zip_bytes())
    for factor, words in ((1.0, "at most 5"), (2.4, "240")):
        with pytest.raises(UserError, match=words):
            load_data(str(file), 16, limit_factor=factor)
    assert len(load_data(str(file), 16, limit_factor=3).train) > 0
    assert Image.MAX_IMAGE_PIXELS == 100


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path}/hacked",)

    folder = tmp_path / "in"
    folder.mkdir()
    torch.save({"gen_state_dict": Evil()}, folder / "a.pth")
    np.savez(folder / "a.npz", mu=np.array([Evil()], dtype=object), sigma=np.eye(1))
    (folder / "bare.pth").write_bytes(pickle.dumps(Evil()))
    for file in ("a.pth", "bare.pth"):
        refused(folder, "import-official", folder / file, "--arch", "A", "--out", "out/a")
    asked = ("--data-name", "x", "--images", 9, "--judge", "mine")
    refused(folder, "stats", "import", folder / "a.npz", *asked)
    (folder / "a.safetensors").write_bytes(pickle.dumps(Evil()))
    refused(folder, "sample", folder / "a.safetensors", "--out", "out/x.png")
    assert not (tmp_path / "hacked").exists()


def test_names_from_outside_are_escaped_in_the_report(tmp_path: Path) -> None:
    script = "<script>alert('x')</script>"
    described = yaml.safe_load(run_files()["config.yaml"])
    described["settings"]["data"]["source"] = f"folder:{script}"
    described["environment"] = {"platform": script, script: script}
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in run_files().items():
        (folder / name).write_bytes(content)
    (folder / "results.json").unlink()
    data = {"name": script, "digest": script, "training_images": 1, "held_out_images": 1}
    (folder / "data.json").write_text(json.dumps(data))
    (folder / "config.yaml").write_text(yaml.safe_dump(described))
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    page = (folder / "report.html").read_text()
    assert "&lt;script&gt;alert" in page and "<script>alert" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["arch", "show", "--", "/".join(["pre-none-nearest"] * 40)], "not 40"),
        (["data", "info", "{folder}/images.zip"], "leads out"),
        (["run", "--config", "{folder}/settings.yaml", "--out", "out"], "aliases"),
    ],
)
def test_the_program_itself_ends_with_a_message(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    (tmp_path / "images.zip").write_bytes(EVIL_ZIPS["above"])
    (tmp_path / "settings.yaml").write_bytes(EVIL_YAML["laughs"])
    filled = [argument.format(folder=tmp_path) for argument in arguments]
    ended = subprocess.run(
        [sys.executable, "-m", "autogan", *filled],
        capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr and "Traceback" not in ended.stderr and ended.stdout == ""
    assert not (tmp_path / "out").exists()


NO_TEXTS = ("pipe", "zero", "large")


@pytest.mark.parametrize("kind", NO_TEXTS)
def test_what_is_no_text_file_is_refused_wherever_one_is_read(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"

    def put(name: str) -> Path:
        (folder / name).unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(folder / name)
        elif kind == "zero":
            (folder / name).symlink_to("/dev/zero")
        else:
            with (folder / name).open("wb") as file:
                file.truncate(2**33)  # takes no room on the disk
        return folder / name

    folder.mkdir()
    outside = tmp_path / "nothing"
    refused(outside, "run", "--config", put("settings.yaml"), "--out", "out", "--dry-run")
    refused(outside, "arch", "show", put("a.json"))
    refused(outside, "leaderboard", put("scores.json"))
    put("config.yaml")
    for command in ("status", "verify", "report", "compare"):
        survived(outside, command, folder, *[folder] * (command == "compare"), codes=(1, 2))
    refused(outside, "run", "--resume", "--out", folder)
    for name in ("results.json", "data.json", "log.jsonl", "checksums.json", "derive.json"):
        for file, content in run_files().items():
            (folder / file).unlink(missing_ok=True)
            (folder / file).write_bytes(content)
        put(name)
        for command in ("status", "verify", "report", "leaderboard"):
            survived(outside, command, folder, codes=(0, 1, 2))
        (folder / name).unlink()
