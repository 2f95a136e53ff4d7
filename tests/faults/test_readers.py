"""Every reader of texts and folders: whatever it is given, it gives a value or raises `UserError`.

The normal run draws few inputs, always the same; --torture or AUTOGAN_TORTURE=1 draws many new ones.
"""

import json
import os
import tarfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from unicodedata import category

import pytest
import yaml
from hostile import run_files, safetensors_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autogan.basics.errors import UserError
from autogan.basics.formatting import shown_text
from autogan.cli.architectures import read_architecture
from autogan.files.plain_yaml import read_yaml
from autogan.images.archives import open_archive
from autogan.images.layout import arrange
from autogan.report.page import write_report
from autogan.runs.config import read_config, read_settings
from autogan.runs.contents import read_evaluated
from autogan.runs.record import read_record
from autogan.runs.status import status_of
from autogan.settings.loading import load_settings, overrides_tree
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator
from autogan.verify import verify

FULL = os.environ.get("AUTOGAN_TORTURE") == "1"
bounded = settings(
    max_examples=300 if FULL else 12,
    deadline=None if FULL else 10_000,
    phases=(Phase.explicit, Phase.generate),  # shrinking would take minutes
    derandomize=not FULL,
    database=None,
    suppress_health_check=list(HealthCheck),
)
texts = st.text(max_size=30) | st.sampled_from(
    ["", "\ufeff", "\x1b[31m", "\u202e", "٣", "nan", "~"]
)
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -1, 0, 2**63, 1e308, 5e-324])
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts, below, max_size=4),
    max_leaves=8,
)
SOUND = load_settings().model_dump(mode="json")


calls: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def told(record: Any) -> Iterator[None]:
    """The figures of this file, for the table of a full run."""
    yield
    said = f"{calls['value']:,} values, {calls['refusal']:,} refusals"
    record("texts and folders drawn for every reader", calls.total(), said)


def gives_or_refuses(read: Callable[..., Any], *given: Any) -> Any:
    """What a reader gives; None where it refuses in words that can be shown."""
    try:
        value = read(*given)
        calls["value"] += 1
        return value
    except UserError as error:
        calls["refusal"] += 1
        assert str(error) and len(str(error)) < 10_000
        return None


@st.composite
def changed(draw: st.DrawFn, tree: Any) -> Any:
    """A tree of plain values with something else, or nothing, in one to three places."""
    for _ in range(draw(st.integers(1, 3))):
        tree = draw(_changed_once(tree))
    return tree


@st.composite
def _changed_once(draw: st.DrawFn, tree: Any) -> Any:
    if isinstance(tree, dict) and tree and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(tree)))
        rest = {key: value for key, value in tree.items() if key != name}
        what = draw(st.integers(0, 5))
        if what == 0:
            return rest
        return rest | {draw(texts) if what == 1 else name: draw(_changed_once(tree[name]))}
    if isinstance(tree, list) and tree and draw(st.integers(0, 4)):
        place = draw(st.integers(0, len(tree) - 1))
        return [*tree[:place], draw(_changed_once(tree[place])), *tree[place + 1 :]]
    return draw(plain)


@bounded
@given(content=st.binary(max_size=80) | texts.map(str.encode))
def test_yaml(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("yaml") / "settings.yaml"
    file.write_bytes(content)
    gives_or_refuses(read_yaml, file)
    gives_or_refuses(load_settings, None, file)


@bounded
@given(tree=changed(SOUND))
def test_settings(tree: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("settings") / "settings.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    if (found := gives_or_refuses(load_settings, None, file)) is not None:
        again = found.model_dump(mode="json")
        assert load_settings(tree=again) == found
        json.dumps(again, allow_nan=False)


names = st.lists(texts | st.sampled_from(["train", "betas", "data", "source", "seed"]), max_size=4)
overrides = st.lists(
    st.tuples(names.map(".".join), st.sampled_from(["=", "", "=="]), texts | plain.map(str))
    .map("".join),
    max_size=4,
)  # fmt: skip


@bounded
@given(given_overrides=overrides)
def test_overrides(given_overrides: list[str]) -> None:
    gives_or_refuses(overrides_tree, given_overrides)
    gives_or_refuses(lambda: load_settings(overrides=given_overrides))


def test_an_override_may_be_nested_as_deep_as_a_command_line_is_long() -> None:
    assert gives_or_refuses(lambda: load_settings(overrides=["a." * 60_000 + "b=1"] * 2)) is None


words = st.sampled_from(
    ["pre", "post", "none", "batch", "nearest", "bilinear", "skip0", "skip9", "shortcut", "A", "1"]
)
joined = st.lists(words | st.sampled_from(list("-+/ ,[]\n")), max_size=25).map("".join)


@bounded
@given(text=joined | texts | st.lists(numbers, max_size=20).map(str))
def test_architecture_texts(text: str) -> None:
    found = gives_or_refuses(Architecture.parse, text)
    assert found is None or Architecture.parse(str(found)) == found


@bounded
@given(content=plain.map(json.dumps).map(str.encode) | st.binary(max_size=40))
def test_architecture_files(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("architecture") / "a.json"
    file.write_bytes(content)
    gives_or_refuses(read_architecture, str(file))


tensor = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "X", ""]),
        "shape": st.lists(st.integers(-1, 2**62), max_size=4),
        "data_offsets": st.lists(st.integers(-1, 2**62), min_size=1, max_size=3),
    }
)
metadata = st.fixed_dictionaries(
    {
        "format": st.sampled_from(["autogan-generator-1", "autogan-generator-2"]),
        "architecture": joined | st.just("pre-none-nearest"),
        "latent_size": numbers.map(str),
        "channels": numbers.map(str) | texts,
        "bottom_size": numbers.map(str),
        "origin": plain.map(json.dumps) | texts,
    }
)


@bounded
@given(
    header=st.dictionaries(texts, tensor | plain, max_size=3) | plain,
    described=metadata | st.dictionaries(texts, texts) | plain,
    body=st.binary(max_size=64),
)
def test_generator_headers(
    header: Any, described: Any, body: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("generator") / "generator.safetensors"
    whole = {**header, "__metadata__": described} if isinstance(header, dict) else header
    file.write_bytes(safetensors_of(whole, body))
    gives_or_refuses(load_generator, file)


@settings(bounded, max_examples=60 if FULL else 12)  # each also draws a report
@given(data=st.data())
def test_run_folders(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("run")
    files = run_files()
    name = data.draw(st.sampled_from(sorted(files)))
    if name == "log.jsonl":
        lines = [json.loads(line) for line in files[name].splitlines()]
        lines[data.draw(st.integers(0, len(lines) - 1))] = data.draw(changed(lines[0]) | plain)
        files[name] = "\n".join(map(json.dumps, data.draw(st.permutations(lines)))).encode()
    elif name == "config.yaml":
        tree = yaml.safe_load(files[name])
        files[name] = yaml.safe_dump(data.draw(changed(tree))).encode()
    else:
        files[name] = json.dumps(data.draw(changed(json.loads(files[name])))).encode()
    for file, content in files.items():
        (folder / file).write_bytes(content)
    for read in (
        read_config, read_settings, read_record, read_evaluated, status_of, verify, write_report,
    ):  # fmt: skip
        gives_or_refuses(read, folder)


member_names = st.lists(
    st.lists(
        st.sampled_from(
            ["a", "b", "A", "train", "test", "..", ".", "", "x.png", "y.PNG", "é", "\n"]
        ),
        max_size=5,
    ).map("/".join)
    | texts,
    max_size=12,
)


@bounded
@given(named=member_names)
def test_image_layouts(named: list[str]) -> None:
    named = list(dict.fromkeys(named))  # folders and archives name each file once
    gives_or_refuses(arrange, named, frozenset({".png"}), "the images", ())


@bounded
@given(named=member_names, kind=st.sampled_from(["zip", "tar"]))
def test_archive_members(
    named: list[str], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("archive") / f"images.{kind}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packer, about names that are there twice
        if kind == "zip":
            with zipfile.ZipFile(file, "w") as packed:
                for name in filter(None, named):
                    packed.writestr(name, b"x")
        else:
            with tarfile.open(file, "w") as archive:
                for name in named:
                    archive.addfile(tarfile.TarInfo(name.replace("\0", "")))
    found = gives_or_refuses(lambda: open_archive(file).names())
    for name in found or ():
        assert not name.startswith(("/", "\\")) and ".." not in name.split("/")
        assert not {category(character) for character in shown_text(name)} & {"Cc", "Cf", "Cs"}
