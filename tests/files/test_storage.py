"""Files that are whole or absent; trees of state; generator files."""

import math
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autogan.basics.errors import UserError
from autogan.files.storage import (
    aside_of,
    load_tensors,
    load_tree,
    make_folder_of,
    remove_unfinished,
    save_tensors,
    save_tree,
    write_json,
    write_text,
    written_aside,
)
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import load_generator, save_generator

DTYPES = (torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.bfloat16)


def tensor(seed: int, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    drawn = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed))
    return (drawn % 2 == 0) if dtype == torch.bool else (drawn / 7).to(dtype)


tensors = st.builds(
    tensor,
    st.integers(0, 2**16),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | tensors
)
trees = st.recursive(
    leaves,
    lambda below: (
        st.lists(below, max_size=3)
        | st.lists(below, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text("ab012", max_size=3), below, max_size=3)
    ),
    max_leaves=8,
)


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        assert [type(key) for key in one] == [type(key) for key in other]
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    else:
        assert one == other


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=trees)
def test_trees_round_trip(tmp_path: Path, tree: Any) -> None:
    file = tmp_path / "tree.safetensors"
    save_tree(file, tree)
    assert_same(load_tree(file), tree)


def test_special_floats_and_shared_or_strided_tensors_round_trip(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    special = torch.tensor([math.nan, math.inf, -math.inf, -0.0])
    tree = {"a": base, "same": base, "t": base.T, "row": base[1], "special": special}
    tree |= {
        1: {"1": math.inf},
        "image": torch.rand(1, 3, 4, 4).to(memory_format=torch.channels_last),
    }
    save_tree(tmp_path / "tree", tree)
    back = load_tree(tmp_path / "tree")
    assert torch.equal(back["special"].view(torch.int32), special.view(torch.int32))
    back.pop("special"), tree.pop("special")
    assert_same(back, tree)


def test_an_optimiser_goes_on_from_its_stored_state(tmp_path: Path) -> None:
    def steps(weight: torch.Tensor, adam: torch.optim.Adam, count: int) -> None:
        for step in range(count):
            adam.zero_grad()
            (weight * torch.arange(1.0, 4.0) * (step + 1)).square().sum().backward()
            adam.step()

    weight = torch.ones(3, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=0.1)
    steps(weight, adam, 3)
    save_tree(tmp_path / "state", {"weight": weight, "adam": adam.state_dict()})
    state = load_tree(tmp_path / "state")
    other = state["weight"].clone().requires_grad_()
    fresh = torch.optim.Adam([other], lr=0.5)
    fresh.load_state_dict(state["adam"])
    steps(weight, adam, 3)
    steps(other, fresh, 3)
    assert torch.equal(weight, other)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", Path("x")])
def test_what_cannot_be_stored_is_refused_and_leaves_no_file(tmp_path: Path, value: Any) -> None:
    with pytest.raises(TypeError, match="cannot store"):
        save_tree(tmp_path / "tree", {"a": [torch.ones(2), value]})
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    write_text(file, "old")
    with pytest.raises(RuntimeError, match="power cut"), written_aside(file) as aside:
        aside.write_text("half of the n")
        assert aside.parent == tmp_path and file.read_text() == "old"
        raise RuntimeError("power cut")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_failing_writers_leave_the_old_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tree.safetensors"
    save_tree(file, {"a": torch.ones(2)})

    def half(tensors: dict, path: Path, metadata: dict) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("autogan.files.storage.save_file", half)
    with pytest.raises(OSError, match="disk full"):
        save_tree(file, {"a": torch.zeros(2)})
    assert torch.equal(load_tree(file)["a"], torch.ones(2))
    with pytest.raises(TypeError):
        write_json(tmp_path / "new.json", {"a": {1}})
    assert list(tmp_path.iterdir()) == [file]


def test_folders_are_made_only_where_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "c.json"
    with pytest.raises(FileNotFoundError):
        write_json(file, {"x": 1})
    assert list(tmp_path.iterdir()) == []
    make_folder_of(file)
    write_json(file, {"x": 1})
    assert file.read_text() == '{\n  "x": 1\n}\n'


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    file = tmp_path / "tree.safetensors"
    save_tree(file, {"a": torch.ones(100), "b": [1, 2]})
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=r"tree\.safetensors"):
        load_tree(file)


def test_a_file_without_a_tree_is_refused(tmp_path: Path) -> None:
    save_tensors(tmp_path / "plain", {"a": torch.ones(2)}, {})
    tensors, metadata = load_tensors(tmp_path / "plain")
    assert torch.equal(tensors["a"], torch.ones(2)) and metadata == {}
    with pytest.raises(ValueError, match="no state"):
        load_tree(tmp_path / "plain")


def generator_of(text: str) -> AutoGanGenerator:
    return AutoGanGenerator.for_architecture(
        Architecture.parse(text), latent_size=6, channels=8, bottom_size=2, seed=4
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_stored_generator_makes_the_same_images(tmp_path: Path, seed: int) -> None:
    architecture = search_space("autogan", 2 + seed % 2).sample(random.Random(seed))
    generator = generator_of(str(architecture))
    latents = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        generator.train()(latents)  # running statistics leave their first values
        expected = generator.eval()(latents)
    origin = {"settings": {"seed": 3}, "steps": [1, 2]}
    file = tmp_path / "generator.safetensors"
    save_generator(file, generator, generator.state_dict(), origin)
    saved = load_generator(file)
    assert saved.origin == origin
    assert saved.generator.architecture == architecture
    assert not saved.generator.training
    assert expected.std() > 0
    with torch.no_grad():
        assert torch.equal(saved.generator(latents), expected)


def foreign(path: Path, kind: str) -> None:
    generator = generator_of("pre-batch-nearest")
    good = {
        "format": "autogan-generator-1",
        "architecture": "pre-batch-nearest",
        "latent_size": "6",
        "channels": "8",
        "bottom_size": "2",
        "origin": "{}",
    }
    state = generator.state_dict()
    match kind:
        case "missing":
            return
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("not a generator")
        case "empty":
            path.write_bytes(b"")
        case "state of a run":
            save_tree(path, {"a": torch.ones(2)})
        case "another format":
            save_tensors(path, state, good | {"format": "autogan-generator-9"})
        case "another architecture":
            save_tensors(path, state, good | {"architecture": "pre-none-nearest+shortcut"})
        case "no architecture":
            save_tensors(path, state, good | {"architecture": "nonsense"})
        case "no width":
            del good["channels"]
            save_tensors(path, state, good)
        case "another width":
            save_tensors(path, state, good | {"channels": "16"})
        case "no number":
            save_tensors(path, state, good | {"bottom_size": "two"})
        case "broken origin":
            save_tensors(path, state, good | {"origin": "{"})
        case "a weight too few":
            state.pop("to_rgb.weight")
            save_tensors(path, state, good)
        case "truncated":
            save_tensors(path, state, good)
            path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "folder",
        "text",
        "empty",
        "state of a run",
        "another format",
        "another architecture",
        "no architecture",
        "no width",
        "another width",
        "no number",
        "broken origin",
        "a weight too few",
        "truncated",
    ],
)
def test_a_file_that_is_no_generator_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "generator.safetensors"
    foreign(file, kind)
    with pytest.raises(UserError, match=r"generator\.safetensors"):
        load_generator(file)


def test_what_ended_processes_wrote_aside_goes_and_what_living_ones_write_stays(
    tmp_path: Path,
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    here = aside_of(tmp_path / "a.json").name.split(".")[-3]
    (tmp_path / f".a.json.{here}.{ended.pid}.tmp").touch()
    (tmp_path / "below" / f".images.{here}.{ended.pid}.tmp").mkdir(parents=True)
    (tmp_path / "below" / f".images.{here}.{ended.pid}.tmp" / "0.png").touch()
    living = tmp_path / f".report.html.{here}.{os.getppid()}.tmp"
    elsewhere = tmp_path / f".report.html.01234567.{ended.pid}.tmp"
    long_ago = tmp_path / f".results.json.01234567.{ended.pid}.tmp"
    other = tmp_path / ".notes.tmp"
    for file in (living, elsewhere, long_ago, other):
        file.touch()
    os.utime(long_ago, (0, 0))
    remove_unfinished(tmp_path)
    assert set(tmp_path.rglob("*")) == {living, elsewhere, other, tmp_path / "below"}


def test_processes_of_one_number_on_two_machines_write_to_different_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    with written_aside(file) as one:
        one.write_text("one")
        monkeypatch.setattr("socket.gethostname", lambda: "another-pod")
        write_text(file, "two")
    assert file.read_text() == "one"
