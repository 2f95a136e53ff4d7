"""Commands that need no run: help, arch, data, presets; what they refuse, and that help is quick."""

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from commands import Answer
from PIL import Image
from typer.main import get_command

from autogan.cli.common import app
from autogan.settings.loading import load_settings, preset_names, settings_from_tree
from autogan.spaces import search_space, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.codec import PUBLISHED_VECTORS
from autogan.spaces.autogan.generator import AutoGanGenerator

A = Architecture.parse("autogan-a")


def all_commands() -> list[list[str]]:
    """The words of every command and group of commands."""
    found: list[list[str]] = []

    def walk(command: object, words: list[str]) -> None:
        found.append(words)
        for name, below in getattr(command, "commands", {}).items():
            walk(below, [*words, name])

    walk(get_command(app), [])
    return found


# Help


def test_all_commands_are_there() -> None:
    words = {" ".join(words) for words in all_commands()}
    assert {
        "arch show", "arch random", "arch space", "arch discriminator", "data info", "judge train", "presets",
        "presets show", "sample", "status", "run", "search", "derive", "train", "evaluate", "demo",
    } <= words  # fmt: skip


def test_every_help_has_an_example_and_loads_nothing_heavy() -> None:
    """In one process, so that a module loaded by any of them is found. (Typer itself has pydantic.)"""
    program = (
        "import contextlib, io, json, sys\n"
        "from autogan import cli\n"
        "texts = []\n"
        "for words in json.loads(sys.argv.pop()):\n"
        "    sys.argv = ['autogan', *words, '--help']\n"
        "    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):\n"
        "        cli.main()\n"
        "    texts.append(out.getvalue())\n"
        "heavy = {'torch', 'numpy', 'PIL', 'matplotlib', 'jinja2', 'yaml', 'autogan.settings.sections'}\n"
        "print(json.dumps([texts, sorted(heavy & set(sys.modules))]))\n"
    )
    commands = all_commands()
    answer = subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=True,
    )
    texts, heavy = json.loads(answer.stdout)
    assert heavy == []
    without = [words for words, text in zip(commands, texts, strict=True) if "Example" not in text]
    assert without == []
    assert all("Usage:" in text for text in texts)


def test_help_answers_at_once() -> None:
    """Half a second on an idle machine; the bar is four times that, for machines that are not."""
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "autogan", "--help"], capture_output=True, check=True)
        seconds.append(time.monotonic() - began)
    assert statistics.median(seconds) < 2


def test_version(done: Callable) -> None:
    assert done("--version").out.split()[0] == "autogan"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("autogan run --preset de", "demo"),
        ("autogan presets show cifar10-", "cifar10-cpu"),
        ("autogan arch show autogan-", "autogan-b"),
        ("autogan sta", "status"),
        ("autogan data info gl", "glyphs"),
    ],
)
def test_names_complete_in_a_shell(line: str, expected: str) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    answer = subprocess.run(
        [Path(sys.executable).with_name("autogan")],
        env={**os.environ, **words, "_AUTOGAN_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert expected in answer.stdout.split()


# arch


def forms(tmp_path: Path) -> list[str]:
    """Architecture A in every notation that is read."""
    vector = list(PUBLISHED_VECTORS["autogan-a"])
    contents = {
        "vector.json": vector,
        "text.json": str(A),
        "entry.json": {"architecture": str(A), "vector": vector, "reward": 2.5},
        "only-vector.json": {"vector": vector},
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    files = [str(tmp_path / name) for name in contents]
    notations = [str(vector), " ".join(map(str, vector)), f"arch: {vector}", str(A)]
    return ["autogan-a", "AutoGAN-A", "A", "a", *notations, *files]


def test_an_architecture_is_read_in_every_form(done: Callable, tmp_path: Path) -> None:
    answers = [json.loads(done("arch", "show", form, "--json").out) for form in forms(tmp_path)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["published_name"] == "autogan-a"
    assert answers[0]["vector"] == A.to_vector() and answers[0]["architecture"] == str(A)


def test_size_and_cost_are_those_of_the_network(done: Callable) -> None:
    options = ("--channels", 12, "--bottom-size", 6, "--latent-size", 20)
    answer = json.loads(done("arch", "show", "C", *options, "--json").out)
    network = AutoGanGenerator.for_architecture(
        Architecture.parse("autogan-c"), channels=12, bottom_size=6, latent_size=20
    )
    assert answer["parameters"] == sum(p.numel() for p in network.parameters())
    assert answer["image_size"] == 48
    text = done("arch", "show", "C", *options).out
    assert f"{answer['parameters']:,}" in text and "48×48" in text


def test_the_diagram_shows_every_operation_and_skip() -> None:
    lines = space_of(A).text_diagram(A, channels=256, bottom_size=4).splitlines()
    assert [line.split("│")[1].split(":")[0].strip() for line in lines if "◄" in line] == [
        "+ skip from cell 0",
        "+ skip from cell 0",
        "+ skip from cell 1",
    ]
    assert sum("skip-out" in line for line in lines) == 2
    assert sum("+ shortcut" in line for line in lines) == 2
    assert max(map(len, lines)) <= 80
    assert sum("bilinear" in line for line in lines) == 3  # cell 1: block, skip, shortcut
    # Every corner of a skip's line continues where the next row expects it.
    for above, below in itertools.pairwise(lines):
        for column in range(54, len(above)):
            goes_down = above[column] in "│┐┤"
            comes_up = column < len(below) and below[column] in "│┘┤"
            assert goes_down == comes_up, (above, below)


def test_a_diagram_is_written_once(done: Callable, refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "a.svg"
    done("arch", "show", "A", "--svg", file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<svg") and text.rstrip().endswith("</svg>")
    assert "exists already" in refused("arch", "show", "A", "--svg", file)
    (tmp_path / "file").write_text("mine")
    assert "--svg" in refused("arch", "show", "A", "--svg", tmp_path / "file" / "a.svg")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"stages": []}', "no single architecture"),
        ("[[1, 0, 1, 1]]", "no single architecture"),
        ("[1, 0, true, 1]", "no single architecture"),
        ("[1, 0, 9, 1]", "position 2"),
        (None, "Cannot read"),
    ],
)
def test_bad_architecture_files(
    refused: Callable, tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "a.json"
    if content is not None:
        file.write_text(content)
    assert words in refused("arch", "show", file)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["arch", "show", "D"], "'D'"),
        (["arch", "show", "A", "--channels", "0"], "--channels"),
        (["arch", "discriminator", "conv"], "Cannot read 'conv'"),
        (["arch", "discriminator", "residual", "--channels", "0"], "--channels"),
        (
            ["train", "--arch", "A", "--discriminator", "conv/conv/conv", "--out", "x"],
            "network.discriminator: Cannot read 'conv'",
        ),
        (
            ["train", "--arch", "A", "--discriminator", "residual", "--out", "x"],
            "1 growing blocks, and the generator has 3 cells",
        ),
        (
            ["train", "--arch", "autogan+discriminator:pre-none-nearest~residual", "--out", "x"],
            "Give both apart: --arch pre-none-nearest --discriminator residual",
        ),
        (
            ["run", "--out", "x", "--set", "network.discriminator=residual/x/residual"],
            "network.discriminator: Cannot read 'x'",
        ),
        (["run", "--out", "x", "--set", "search.discriminator=before"], "search.discriminator"),
        (
            ["run", "--out", "x", "--set", "search.probe_steps=3"],
            "probe_steps is 3, which means nothing while discriminator is fixed",
        ),
        (
            ["run", "--out", "x", "--set", "search.discriminator_iterations=30"],
            "it is of after",
        ),
        (
            [
                *("run", "--out", "x", "--set", "search.discriminator=after"),
                *("--set", "search.discriminator_iterations=2"),
            ],
            "discriminator_iterations (2) must be at least one for each of the 3 stages",
        ),
        (
            [
                *("run", "--out", "x", "--set", "search.discriminator=together"),
                *("--set", "network.discriminator=residual/residual/residual"),
            ],
            "which looks for one",
        ),
        (["arch", "random", "--count", "0"], "--count"),
        (["arch", "random", "--cells", "0"], "1 to 7 cells, not 0"),
        (["arch", "space", "--cells", "9"], "1 to 7 cells, not 9"),
        (["presets", "show", "dmo"], "Did you mean 'demo'"),
        (["presets", "sow"], "sow"),
        (["data", "info", "glyfs"], "Did you mean 'glyphs'"),
        (["data", "info", "glyphs", "--image-size", "4"], "8 to 256"),
        (["data", "info", "folder:no-such"], "no-such"),
        (["judge", "train", "--data", "glyfs"], "Did you mean 'glyphs'"),
        (["judge", "train", "--preset", "demo", "--set", "judge.kind=inception"], "not trained"),
        (["judge"], "train"),
        (["run", "--preset", "demo", "--out", "x", "--time-limit", "99999999999h"], "10,000h"),
        (["arch", "show", "A", "--svg", "/proc/a.svg"], "/proc cannot be written to"),
        (["sample", "no-such", "--out", "x.jpg"], "must end in .png"),
        (["status", "no-such"], "config.yaml"),
        (
            [
                *("run", "--preset", "demo", "--out", "x"),
                *("--set", "train.objective.direction_head=true"),
                *("--set", "train.objective.loss=relativistic-average"),
            ],
            "direction_head goes with the losses hinge and non-saturating",
        ),
        (
            [
                "run",
                "--preset",
                "cifar10-paper",
                "--out",
                "x",
                "--set",
                "search.schedule.penalty_end=0.1",
            ],
            "there is nothing that could fall",
        ),
    ],
)
def test_bad_input_is_refused(autogan: Callable, arguments: list[str], words: str) -> None:
    answer = autogan(*arguments)
    assert answer.code == 2
    assert words in answer.err + answer.out and "Traceback" not in answer.err


def test_random_architectures_are_those_of_the_seed(done: Callable) -> None:
    lines = done("arch", "random", "--count", 40, "--seed", 3, "--cells", 2).out.splitlines()
    space = search_space("autogan", 2)
    assert len(lines) == 40 and len(set(lines)) > 30
    assert all(Architecture.parse(line) in space for line in lines)
    again = json.loads(
        done("arch", "random", "--count", 40, "--seed", 3, "--cells", 2, "--json").out
    )
    assert [entry["architecture"] for entry in again["architectures"]] == lines
    assert all(
        Architecture.from_vector(e["vector"]) == Architecture.parse(e["architecture"])
        for e in again["architectures"]
    )
    assert (
        done("arch", "random", "--count", 40, "--seed", 4, "--cells", 2).out.splitlines() != lines
    )


def test_the_space_has_the_published_cardinality(done: Callable) -> None:
    assert "373,248 architectures of 3 cells" in done("arch", "space").out
    described = json.loads(done("arch", "space", "--json").out)
    product = 1
    for cell in described["cells"]:
        for options in cell.values():
            product *= len(options)
    assert product == described["cardinality"] == 373_248


def test_the_commands_about_architectures_know_the_modern_space(done: Callable) -> None:
    described = json.loads(done("arch", "space", "--space", "modern", "--json").out)
    assert described["cardinality"] == 34_012_224
    assert list(described["cells"][1]) == ["block", "upsampling", "width", "attention", "skips"]
    text = done("arch", "random", "--space", "modern", "--seed", 1).out.strip()
    shown = json.loads(done("arch", "show", text, "--json").out)
    assert shown["architecture"] == text and shown["published_name"] is None
    assert shown["cells"][0]["skips"] == [] and len(shown["vector"]) == 14
    printed = done("train", "--arch", text, "--preset", "own-32", "--dry-run").out
    assert "space: modern" in printed


def test_a_generator_with_its_training_is_shown_and_trained_so(done: Callable) -> None:
    text = "autogan+training:A@wasserstein+gradient-penalty"
    shown = json.loads(done("arch", "show", text, "--json").out)
    assert (
        len(shown["vector"])
        == len(json.loads(done("arch", "show", "A", "--json").out)["vector"]) + 2
    )
    options = ("--preset", "own-32", "--set", "train.objective.slope_penalty=5", "--dry-run")
    printed = done("train", "--arch", text, *options).out
    assert "space: autogan\n" in printed and "loss: wasserstein" in printed
    assert "slope_penalty: 5" in printed and "real_penalty: 0.0\n" in printed


def test_a_discriminator_is_shown(done: Callable) -> None:
    text = "residual/bottleneck+half/residual+softmax/deviation"
    described = json.loads(done("arch", "discriminator", text, "--channels", 16, "--json").out)
    assert described["discriminator"] == text and described["image_size"] == 32
    assert [block["name"] for block in described["blocks"]] == [
        *("block 0", "block 1", "block 2", "last block", "end")
    ]
    for name in ("parameters", "multiply_accumulates"):
        assert described[name] == sum(block[name] for block in described["blocks"]) > 0
    assert text in done("arch", "discriminator", text).out
    printed = done("train", "--arch", "A", "--discriminator", text, "--dry-run").out
    assert f"discriminator: {text}" in printed


def test_an_architecture_of_another_space_than_is_set_is_refused(refused: Callable) -> None:
    text = "modern:grouped-nearest/grouped-nearest/grouped-nearest"
    options = ("--preset", "own-32", "--set", "network.space=autogan", "--dry-run")
    assert "--arch is of the space modern" in refused("train", "--arch", text, *options)
    assert "Known: autogan, modern" in refused("arch", "space", "--space", "old")


# presets


def test_presets_are_listed_with_a_line_each(done: Callable) -> None:
    listed = json.loads(done("presets", "--json").out)
    assert list(listed) == preset_names()
    assert len(done("presets").out.splitlines()) == len(listed)
    assert all(20 < len(line) < 110 for line in listed.values())


@pytest.mark.parametrize("name", preset_names())
def test_a_shown_preset_loads_again_and_explains_every_setting(done: Callable, name: str) -> None:
    text = done("presets", "show", name).out
    assert settings_from_tree(yaml.safe_load(text)) == load_settings(name)
    explained = False
    for line in text.splitlines():
        assert "#" in line or explained, line  # beside it, or on the line above
        explained = line.strip().startswith("#")
    described = json.loads(done("presets", "show", name, "--json").out)
    assert settings_from_tree(described) == load_settings(name)


# data


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two classes, 12 and 5 images: grey, wide, one upside down."""
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "photographs"
    for name, count in (("cat", 12), ("dog", 5)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            size = (40, 30) if number % 2 else (32, 32)
            mode = "L" if number == 3 else "RGB"
            Image.new(mode, size, 10 * number).save(folder / name / f"{number}.png")
    return folder


def test_data_are_described(done: Callable, photographs: Path, tmp_path: Path) -> None:
    picture = tmp_path / "look.png"
    source = f"folder:{photographs}"
    answer = json.loads(
        done("data", "info", source, "--image-size", 16, "--grid", picture, "--json").out
    )
    assert answer["training_images"] + answer["held_out_images"] == 17
    assert {c["name"]: c["training_images"] + c["held_out_images"] for c in answer["classes"]} == {
        "cat": 12,
        "dog": 5,
    }
    sizes = {(s["width"], s["height"]): s["images"] for s in answer["original_sizes"]}
    assert sizes == {(40, 30): 8, (32, 32): 9}
    assert any("cropped" in note for note in answer["notes"])
    with Image.open(picture) as image:
        assert image.width >= 8 * 32 and image.height >= 32
    text = done("data", "info", source, "--image-size", 16).out
    for words in ("cat", "dog", "40×30 (8)", "grey", "cropped", "held out"):
        assert words in text


def test_an_archive_is_described_like_its_folder(
    done: Callable, photographs: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "photographs.zip", "w") as archive:
        for file in sorted(photographs.rglob("*.png")):
            archive.write(file, file.relative_to(photographs))
    folder, packed = (
        json.loads(done("data", "info", path, "--image-size", 16, "--json").out)
        for path in (photographs, tmp_path / "photographs.zip")
    )
    assert packed["digest"] == folder["digest"]
    assert packed["original_sizes"] == folder["original_sizes"]


def test_unlabelled_data_are_described(done: Callable, tmp_path: Path, photographs: Path) -> None:
    answer = done(
        "data", "info", photographs / "cat", "--image-size", 16, "--grid", tmp_path / "look.png"
    )
    assert "have no classes" in answer.out and (tmp_path / "look.png").exists()


def test_a_picture_is_not_overwritten(refused: Callable, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "look.png").write_text("mine")
    message = refused("data", "info", photographs, "--grid", tmp_path / "look.png")
    assert "exists already" in message and (tmp_path / "look.png").read_text() == "mine"


# faults of ours


def test_names_are_shown_as_they_are(done: Callable, photographs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    for number, name in enumerate(("[bold]", "[red]x[")):
        shutil.copytree(
            sorted(p for p in photographs.iterdir() if p.is_dir())[number], folder / name
        )
    shown = done("data", "info", f"folder:{folder}").out
    assert "[bold]" in shown and "[red]x[" in shown


def test_a_name_that_is_not_utf_8_is_refused(refused: Callable, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/images/\xff\xfe"
    os.makedirs(folder)
    with open(folder + b"/1.png", "wb") as file:
        file.write(b"")
    assert "not UTF-8" in refused("data", "info", f"folder:{tmp_path / 'images'}")


def test_what_cannot_be_written_is_a_message_and_leaves_no_folders(
    refused: Callable, tmp_path: Path
) -> None:
    assert "no-such" in refused("sample", "no-such", "--out", tmp_path / "a" / "b" / "x.png")
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_nobody_can_take_ends_without_a_traceback() -> None:
    program = [
        sys.executable,
        "-c",
        "from autogan.cli import main; main()",
        "leaderboard",
        "--json",
    ]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2 and "No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_dry_run_can_be_one_object(done: Callable) -> None:
    printed = json.loads(done("run", "--preset", "demo", "--dry-run", "--json").out)
    assert settings_from_tree(printed) == load_settings("demo")


def test_a_fault_of_ours_is_told_as_one(autogan: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("something broke")

    monkeypatch.setattr("autogan.spaces.autogan.cell_space.text_diagram", broken)
    answer = autogan("arch", "show", "A")
    assert answer.code == 1
    for words in ("Traceback", "something broke", "report", "Python"):
        assert words in answer.err


def test_bench_measures_only_what_is_named(
    done: Callable[..., Answer], refused: Callable[..., str]
) -> None:
    named = done("bench", "--only", "domain judge", "--seconds", 0.1, "--json")
    measured = json.loads(named.out)
    assert [case["name"] for case in measured["cases"]] == ["domain judge"]
    assert measured["cases"][0]["images_per_second"] > 0 and "loading" not in measured
    assert "search step, 8×8; search step, 16×16" in refused("bench", "--only", "search stop")
