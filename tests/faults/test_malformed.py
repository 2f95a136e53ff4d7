"""Malformed input of every kind through the commands that read it, drawn at random.

None may end in a traceback, a hang, much memory, or a changed file outside the output. The normal
run draws a few of each kind, always the same; --torture or AUTOGAN_TORTURE=1 draws 300 new ones.
"""

import gzip
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hostile import (
    SMALL,
    checkpoint_bytes,
    generator_bytes,
    image_bytes,
    run_files,
    safetensors_of,
    safetensors_parts,
    statistics_bytes,
    survived,
    tar_bytes,
    zip_bytes,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autogan.settings.loading import load_settings

pytestmark = pytest.mark.usefixtures("own_cache")

FULL = os.environ.get("AUTOGAN_TORTURE") == "1"
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "TGA", "ICO", "PCX", "SGI")


# Damage


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` after one to four blows."""
    for _ in range(draw(st.integers(1, 4))):
        if not content:
            break
        place = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(1, 40))
        new = draw(
            st.sampled_from([b"", b"\0", b"\xff", b"{", b"[", b"-", b"9", b"\n", b"e", b'"'])
        )
        match draw(st.sampled_from(["byte", "run", "cut", "drop", "insert", "repeat"])):
            case "byte":
                byte = draw(st.integers(0, 255))
                content = content[:place] + bytes([byte]) + content[place + 1 :]
            case "run":
                content = content[:place] + new * length + content[place + length :]
            case "cut":
                content = content[:place]
            case "drop":
                content = content[:place] + content[place + length :]
            case "insert":
                content = content[:place] + new * length + content[place:]
            case "repeat":
                content = content[:place] + content[max(0, place - length) :]
    return content


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=6), below, max_size=4)
    ),
    max_leaves=6,
)


@st.composite
def altered(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with something else in one place."""
    if isinstance(value, dict) and value and draw(st.integers(0, 7)):
        key = draw(st.sampled_from(sorted(value)))
        rest = {name: content for name, content in value.items() if name != key}
        return rest if not draw(st.integers(0, 4)) else rest | {key: draw(altered(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(altered(value[place])), *value[place + 1 :]]
    return draw(plain)


# Kinds of input: each writes files into a folder and hands them to the command that reads them


def images(draw: st.DataObject, folder: Path) -> None:
    form = draw.draw(st.sampled_from(FORMATS))
    for number in range(11):
        (folder / "ab"[number % 2]).mkdir(exist_ok=True)
        (folder / "ab"[number % 2] / f"{number}.png").write_bytes(image_bytes())
    broken = draw.draw(damaged(image_bytes(form)))
    (folder / "a" / f"bad.{form.lower()}").write_bytes(broken)
    skipping = ["--skip-broken"] * draw.draw(st.integers(0, 1))
    survived(folder, "data", "info", folder, "--image-size", 16, "--json", *skipping)


def folders(draw: st.DataObject, folder: Path) -> None:
    """Sound images, and among them links to anywhere, pipes and deep folders."""
    top = folder.resolve() / "images"
    for number in range(11):
        (top / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        (top / "ab"[number % 2] / f"{number}.png").write_bytes(image_bytes())
    targets = st.sampled_from(
        [".", "..", "../..", "/", "/proc", "/proc/self", "/dev", "a", "x", "y.png"]
    )
    names = st.sampled_from(["x", "y.png", "a/x", "a/y.png", "b/a/x", ".x", "train", "test"])
    for name, kind in draw.draw(
        st.lists(st.tuples(names, targets | st.none() | st.integers(1, 40)))
    ):
        place = top / name
        if place.exists() or place.is_symlink() or place.parent.resolve() != place.parent:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind is None:
            os.mkfifo(place)
        elif isinstance(kind, int):
            (place / "/".join("d" * kind)).mkdir(parents=True)
        else:
            place.symlink_to(kind)
    skipping = ["--skip-broken"] * draw.draw(st.integers(0, 1))
    survived(top / "a", "data", "info", top, "--image-size", 16, "--json", *skipping)


def archives(draw: st.DataObject, folder: Path) -> None:
    suffix, content = draw.draw(
        st.sampled_from(
            [
                ("zip", zip_bytes()),
                ("tar", tar_bytes()),
                ("tar.gz", gzip.compress(tar_bytes(), 1)),
                ("tar.xz", tar_bytes(mode="w:xz")),
                ("tar.bz2", tar_bytes(mode="w:bz2")),
            ]
        )
    )
    file = folder / f"images.{suffix}"
    file.write_bytes(draw.draw(damaged(content)))
    survived(folder, "data", "info", file, "--image-size", 16, "--json")


def settings_files(draw: st.DataObject, folder: Path) -> None:
    tree = load_settings(overrides=SMALL).model_dump(mode="json")
    text = yaml.safe_dump(tree, sort_keys=False).encode()
    altered_text = altered(tree).map(lambda t: yaml.safe_dump(t, allow_unicode=True).encode())
    file = folder / "settings.yaml"
    file.write_bytes(draw.draw(damaged(text) | altered_text | st.binary(max_size=60)))
    survived(folder, "run", "--config", file, "--out", "out", "--dry-run")


def generators(draw: st.DataObject, folder: Path) -> None:
    sound = generator_bytes(folder.parent)
    header, body = safetensors_parts(sound)
    changed = altered(header).map(lambda h: safetensors_of(h, body))
    file = folder / "generator.safetensors"
    file.write_bytes(draw.draw(damaged(sound[:400]).map(lambda b: b + sound[400:]) | changed))
    name = f"out/{draw.draw(st.integers(0, 2**60))}.png"
    survived(folder, "sample", file, "--count", 4, "--out", name)


def checkpoints(draw: st.DataObject, folder: Path) -> None:
    file = folder / "official.pth"
    file.write_bytes(draw.draw(damaged(checkpoint_bytes())))
    survived(folder, "import-official", file, "--arch", "A", "--out", "out/a.safetensors")


def statistics(draw: st.DataObject, folder: Path) -> None:
    file = folder / "statistics.npz"
    file.write_bytes(draw.draw(damaged(statistics_bytes())))
    name = f"x{draw.draw(st.integers(0, 2**60))}"
    asked = ("--data-name", name, "--images", 9, "--judge", "mine")
    survived(folder, "stats", "import", file, *asked)


def vectors(draw: st.DataObject, folder: Path) -> None:
    words = ("pre", "post", "batch", "none", "nearest", "+shortcut", "+skip0", "+skip9", "/", "-")
    words = (
        *words,
        "autogan-a",
        "[",
        "]",
        "arch:",
        "1",
        "0",
        ",",
        " ",
        "99999999999999999999",
        "²",
    )
    text = st.lists(st.sampled_from(words), max_size=30).map("".join) | st.text(max_size=40)
    numbers = st.lists(st.integers(-2, 8), max_size=60).map(str)
    survived(folder, "arch", "show", "--json", "--", draw.draw(text | numbers))


def options(draw: st.DataObject, folder: Path) -> None:
    names = ("seed", "data", "search.beams", "train.betas", "search.stage_weights", "nothing", "")
    name = draw.draw(st.sampled_from(names) | st.text(max_size=10))
    value = draw.draw(plain.map(json.dumps) | st.text(max_size=20))
    override = f"{name}={value}"
    given = draw.draw(
        st.sampled_from([["--set", override], ["--data", value], ["--preset", value]])
    )
    survived(folder, "run", *(f"{option}" for option in given), "--out", "out", "--dry-run")


def run_folders(draw: st.DataObject, folder: Path) -> None:
    files = run_files()
    name = draw.draw(st.sampled_from(sorted(files)))
    content = files[name]
    changed = damaged(content) | st.binary(max_size=30)
    if name.endswith(".json"):
        changed |= altered(json.loads(content)).map(lambda value: json.dumps(value).encode())
    if name == "config.yaml":
        changed |= altered(yaml.safe_load(content)).map(
            lambda value: yaml.safe_dump(value).encode()
        )
    if name == "log.jsonl":
        line = json.loads(content.splitlines()[draw.draw(st.integers(0, 2))])
        changed |= altered(line).map(lambda value: json.dumps(value).encode() + b"\n")
    files[name] = draw.draw(changed)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    survived(folder, "status", folder, "--json")
    survived(folder, "verify", folder, "--json", codes=(0, 1, 2))
    survived(folder, "compare", folder, folder, "--json")
    survived(folder, "leaderboard", folder, "--json")
    page = folder / "report.html"
    survived(folder / "nothing", "report", folder)
    assert not page.exists() or "</html>" in page.read_text()


KINDS: list[Callable[[st.DataObject, Path], None]] = [
    images, folders, archives, settings_files, generators, checkpoints, statistics, vectors, options,
    run_folders,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_malformed_input_is_survived(
    kind: Callable[[st.DataObject, Path], None], tmp_path: Path, torture: bool
) -> None:
    number = itertools.count()
    full = torture or FULL

    @settings(
        max_examples=300 // len(KINDS) + 1 if full else 4,
        deadline=None,
        phases=(Phase.generate,),  # shrinking would take minutes
        derandomize=not full,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(draw=st.data())
    def check(draw: st.DataObject) -> None:
        folder = tmp_path / f"input-{next(number)}"
        folder.mkdir()
        kind(draw, folder)

    check()
