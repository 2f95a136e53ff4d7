"""Files that users give: every kind that works, and what is said of those that do not."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from autogan import interop
from autogan.basics.errors import UserError
from autogan.interop import (
    load_official_discriminator,
    load_official_generator,
    load_official_search,
)
from autogan.method.generator_settings import settings_of
from autogan.spaces.generator_file import load_generator

A = [1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3]
TWO_CELLS = A[:9]
Z = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def checkpoint(official: Path) -> Any:
    return torch.load(official / "official_A.pth", weights_only=True)


@pytest.fixture
def search(official: Path) -> Any:
    return torch.load(official / "official_search.pth", weights_only=True)


def saved(path: Path, content: Any, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def refusal(load: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        load(*arguments)
    return str(caught.value)


# What is accepted


def test_the_module_offers_three_functions() -> None:
    import autogan

    assert autogan.interop is interop
    assert len(interop.__all__) == 3


@torch.no_grad()
def test_other_forms_of_the_same_file(official: Path, checkpoint: Any, tmp_path: Path) -> None:
    expected = load_official_generator(official / "official_A.pth", "A")(Z)
    plain = checkpoint["avg_gen_state_dict"]
    several_gpus = {f"module.{name}": tensor for name, tensor in plain.items()}
    uncounted = {n: t for n, t in plain.items() if not n.endswith("num_batches_tracked")}
    of_the_program = {
        **checkpoint,
        "best_fid": np.float64(12.42),
        "avg_gen_state_dict": several_gpus,
    }
    for content in (plain, several_gpus, uncounted, of_the_program):
        for old_format in (False, True):
            file = saved(tmp_path / "x.pth", content, _use_new_zipfile_serialization=not old_format)
            assert torch.equal(load_official_generator(file, "A")(Z), expected)
    file = saved(tmp_path / "plain.pth", plain)
    assert torch.equal(load_official_generator(file, "A", average=False)(Z), expected)


@torch.no_grad()
def test_discriminators_alone(official: Path, checkpoint: Any, tmp_path: Path) -> None:
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    expected = load_official_discriminator(official / "official_A.pth")(images)
    file = saved(
        tmp_path / "d.pth", {f"module.{n}": t for n, t in checkpoint["dis_state_dict"].items()}
    )
    assert torch.equal(load_official_discriminator(file)(images), expected)
    assert load_official_discriminator(file)(torch.rand(2, 3, 48, 48)).shape == (2,)


def test_without_an_average_the_raw_generator_is_taken_and_said(
    official: Path, checkpoint: Any, tmp_path: Path
) -> None:
    raw = load_official_generator(official / "official_A.pth", "A", average=False)(Z)
    del checkpoint["avg_gen_state_dict"]
    file = saved(tmp_path / "x.pth", checkpoint)
    with pytest.warns(UserWarning, match="no averaged generator"):
        assert torch.equal(load_official_generator(file, "A")(Z), raw)


# What is refused


class Harmful:
    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize(
    "load",
    [lambda f: load_official_generator(f, "A"), load_official_discriminator, load_official_search],
    ids=["generator", "discriminator", "search"],
)
def test_files_that_are_no_checkpoints(
    load: Callable[[Path], Any], official: Path, checkpoint: Any, tmp_path: Path
) -> None:
    harmed = tmp_path / "harmed"
    for old_format in (False, True):
        file = saved(
            tmp_path / "harmful.pth",
            {**checkpoint, "best_fid": Harmful(harmed)},
            _use_new_zipfile_serialization=not old_format,
        )
        assert "mkdir" in refusal(load, file)
    assert not harmed.exists()

    for old_format in (False, True):
        file = saved(
            tmp_path / "old.pth", checkpoint, _use_new_zipfile_serialization=not old_format
        )
        content = file.read_bytes()
        for length in (0, 1, 100, len(content) // 2, len(content) - 1000):
            cut = tmp_path / "cut.pth"
            cut.write_bytes(content[:length])
            assert "cut off" in refusal(load, cut)
    for content in (
        b"hello",
        b"PK\x03\x04",
        bytes(1000),
        b"\x80\x02}q\x00.",
        np.random.default_rng(0).bytes(1000),
    ):
        (tmp_path / "foreign.pth").write_bytes(content)
        refusal(load, tmp_path / "foreign.pth")
    assert "no checkpoint file" in refusal(load, tmp_path / "absent.pth")
    assert "no checkpoint file" in refusal(load, tmp_path)

    for content in (
        {},
        [1, 2],
        torch.ones(2),
        {"epoch": 3},
        {"gen_state_dict": {"l1.weight": 3}, "dis_state_dict": 3, "ctrl_state_dict": []},
        {"weight": torch.ones(2)},
        {1: torch.ones(2)},
        torch.nn.Linear(2, 2).state_dict(),
        {"l1.weight": torch.ones(0, 0), "to_rgb.2.weight": torch.ones(0, 0, 0, 0)},
        {"l1.weight": torch.ones(7, 2), "to_rgb.2.weight": torch.ones(3, 2, 3, 3)},
        {"l5.weight_orig": torch.ones(1, 0)},
    ):
        refusal(load, saved(tmp_path / "other.pth", content))


def test_parts_that_are_not_there(official: Path, checkpoint: Any, tmp_path: Path) -> None:
    message = refusal(load_official_search, official / "official_A.pth")
    assert "gen_state_dict) are not those of the authors' shared generator" in message
    file = saved(tmp_path / "x.pth", {"dis_state_dict": checkpoint["dis_state_dict"]})
    assert "has no gen_state_dict; it has dis_state_dict" in refusal(
        load_official_generator, file, "A", False
    )
    assert load_official_discriminator(file)
    plain = saved(tmp_path / "plain.pth", checkpoint["dis_state_dict"])
    assert "l1.weight" in refusal(load_official_generator, plain, "A")
    assert "not a search checkpoint" in refusal(load_official_search, plain)
    generator = saved(tmp_path / "plain.pth", checkpoint["gen_state_dict"])
    assert "l5.weight_orig" in refusal(load_official_discriminator, generator)


@pytest.mark.parametrize(
    ("architecture", "named"),
    [
        ("B", "missing: cell3.c_sc.weight, cell3.c_sc.bias"),
        ("C", "missing: cell1.n1.weight"),
        ([1, 0, 1, 0, *A[4:]], "surplus: cell1.c_sc.weight, cell1.c_sc.bias"),
        ([*A[:13], 2], "surplus: cell3.skip_in_ops.1.weight"),
        ([0, *A[1:]], "Cell 0 of the architecture takes post"),
        ([*A[:11], 2, 0, 3], "Cell 2 of the architecture takes deconvolution"),
        (TWO_CELLS, "of 3 cells, but the architecture"),
        ([*A, 1, 0, 1, 0, 0], "has 4"),
        ([1.5] * 14, "list of integers"),
        ([9] * 14, "position 0"),
        ("autogan-d", "autogan-a"),
    ],
)
def test_other_architectures(official: Path, architecture: Any, named: str) -> None:
    assert named in refusal(load_official_generator, official / "official_A.pth", architecture)


def test_weights_of_two_cells(checkpoint: Any, search: Any, tmp_path: Path) -> None:
    for state in (checkpoint["gen_state_dict"], search["gen_state_dict"]):
        two = {name: t for name, t in state.items() if not name.startswith("cell3")}
        file = saved(tmp_path / "two.pth", two)
        message = refusal(load_official_generator, file, A)
        assert "of 2 cells" in message and "has 3" in message
        assert load_official_generator(file, TWO_CELLS)(Z).shape == (2, 3, 16, 16)
    search["gen_state_dict"] = two
    assert "missing: cell3" in refusal(load_official_search, saved(tmp_path / "s.pth", search))


def test_searches_refuse_architectures_they_cannot_run(official: Path) -> None:
    generator = load_official_search(official / "official_search.pth").generator
    assert "has 4 cells" in refusal(generator, Z, [*A, 1, 0, 1, 0, 0])
    assert "must be told" in refusal(generator, Z)
    assert "4, 9, 14" in refusal(generator, Z, [1, 0])


@pytest.mark.parametrize("part", ["gen_state_dict", "dis_state_dict", "ctrl_state_dict"])
def test_every_tensor_of_a_search_is_needed(search: Any, tmp_path: Path, part: str) -> None:
    state = dict(search[part])
    for changed in list(state)[::13] + list(state)[-3:]:
        if changed.endswith("num_batches_tracked"):
            continue
        wrong = {name: tensor for name, tensor in state.items() if name != changed}
        for content in (
            wrong,
            {**wrong, changed: torch.zeros(2, 2, 2)},
            {**wrong, f"{changed}x": state[changed]},
            {**state, f"{changed}_x": state[changed]},
        ):
            file = saved(tmp_path / "x.pth", {**search, part: content})
            assert changed in refusal(load_official_search, file)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda tensor: tensor * float("nan"), "NaN or infinite"),
        (lambda tensor: tensor.double() + 1e300, "NaN or infinite"),
        (lambda tensor: tensor.to(torch.complex64), "complex64"),
        (lambda tensor: tensor.long(), "int64"),
        (lambda tensor: tensor.bool(), "bool"),
        (lambda tensor: tensor.to_sparse(), "not dense"),
    ],
)
def test_tensors_that_are_no_finite_numbers(
    search: Any, tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor], fault: str
) -> None:
    for part, name in (
        ("gen_state_dict", "l1.weight"),
        ("dis_state_dict", "l5.weight_orig"),
        ("ctrl_state_dict", "encoder.weight"),
    ):
        state = {**search[part], name: change(search[part][name])}
        file = saved(tmp_path / "x.pth", {**search, part: state})
        assert f"no weights: {name} ({fault})" in refusal(load_official_search, file)


# The command


def test_from_a_checkpoint_to_pictures(
    official: Path, autogan: Callable[..., Any], tmp_path: Path
) -> None:
    file, out = official / "official_A.pth", tmp_path / "a.safetensors"
    answer = autogan("import-official", file, "--arch", "A", "--out", out, "--json")
    assert answer.code == 0, answer.err
    result = json.loads(answer.out)
    assert result["vector"] == A and result["image_size"] == 32
    assert result["imported"] == {"file": "official_A.pth", "weights": "averaged"}
    averaged = load_official_generator(file, "A")(Z)
    assert torch.equal(load_generator(out).generator(Z), averaged)

    vector = " ".join(map(str, A))
    answer = autogan("import-official", file, "--arch", vector, "--out", tmp_path / "r", "--raw")
    assert answer.code == 0 and "raw" in answer.err and answer.out == ""
    assert not torch.allclose(load_generator(tmp_path / "r").generator(Z), averaged)

    assert autogan("sample", out, "--count", 4, "--out", tmp_path / "a.png").code == 0
    assert Image.open(tmp_path / "a.png").width > 64

    before = out.read_bytes()
    answer = autogan("import-official", file, "--arch", "A", "--out", out)
    assert answer.code == 2 and "exists already" in answer.err
    assert out.read_bytes() == before


@pytest.mark.parametrize("architecture", ["B", "1 0 1 1", "nonsense", "D"])
def test_a_refused_import_writes_nothing(
    official: Path, autogan: Callable[..., Any], tmp_path: Path, architecture: str
) -> None:
    out = tmp_path / "x.safetensors"
    answer = autogan(
        "import-official", official / "official_A.pth", "--arch", architecture, "--out", out
    )
    assert answer.code == 2 and answer.out == "" and "Traceback" not in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_import(autogan: Callable[..., Any], search: Any, tmp_path: Path) -> Path:
    """An imported generator of 12×12 pixels: one cell on a bottom of 6."""
    state = {n: t for n, t in search["gen_state_dict"].items() if n[:5] not in ("cell2", "cell3")}
    stream = torch.Generator().manual_seed(0)
    state["l1.weight"] = torch.randn((16 * 36, 16), generator=stream)
    state["l1.bias"] = torch.zeros(16 * 36)
    out = tmp_path / "small.safetensors"
    file = saved(tmp_path / "small.pth", state)
    assert autogan("import-official", file, "--arch", "0 1 1 0", "--out", out).code == 0
    return out


def test_settings_follow_an_imported_generator(
    small_import: Path, autogan: Callable[..., Any]
) -> None:
    imported = load_generator(small_import)
    for preset in (None, "demo"):
        settings = settings_of(imported, preset, ["seed=4"], {"data": {"source": "glyphs"}})
        assert settings.data.image_size == 12 and settings.network.bottom_size == 6
        assert settings.network.latent_size == 16 and settings.cells == 1
        assert settings.data.source == "glyphs" and settings.seed == 4
        assert settings.judge.width == (16 if preset else 32)
        answer = autogan("evaluate", small_import, *(["--preset", preset] if preset else []))
        assert answer.code == 2 and "--data" in answer.err and answer.out == ""


def test_from_a_checkpoint_to_scores(
    small_import: Path, autogan: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    stream = np.random.default_rng(0)
    for split, count in (("train", 70), ("test", 20)):
        for brightness, name in enumerate(("dark", "grey", "light")):
            folder = tmp_path / "images" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = stream.integers(0, 80, (12, 12, 3)) + 80 * brightness
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    choices = (
        "judge.width=8 judge.image_size=16 judge.epochs=1 judge.batch_size=32 evaluate.images=60 "
        "evaluate.inception_splits=2 compute.device=cpu"
    )
    overrides = [word for choice in choices.split() for word in ("--set", choice)]
    data = ["--data", f"folder:{tmp_path / 'images'}"]
    answer = autogan("evaluate", small_import, *data, *overrides, "--preset", "demo", "--json")
    assert answer.code == 0, answer.err
    result = json.loads(answer.out)
    assert result["image_size"] == 12
    assert result["scores"]["frechet_distance"] > result["floor"]["frechet_distance"]
