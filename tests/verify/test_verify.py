"""Whether damage anywhere in a run's folder is noticed, and whether its scores come out again."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from autogan import Settings, cli, search_and_train
from autogan.cli.common import app
from autogan.files.storage import load_tensors, save_tensors
from autogan.method.pipeline import run_everything, run_training
from autogan.progress.base import Progress
from autogan.runs.checksums import write_checksums
from autogan.runs.file_names import CHECKSUMS, checkpoint_files
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import merged, settings_from_tree
from autogan.spaces.architecture import Architecture
from autogan.trials.search import search_by_trials
from autogan.verify import verify

assert cli.main  # importing it registers all commands

FULL = os.environ.get("AUTOGAN_TORTURE") == "1"
WIDTHS = {"generator_channels": 4, "discriminator_channels": 4}
BATCHES = {"generator_batch": 4, "discriminator_batch": 4, "discriminator_steps": 1}


def tiny_settings(images: Path, **changes: Any) -> Settings:
    search = {"stage_weights": [1, 1], "iterations": 2, "shared_epochs": 0.1, "reward_images": 40}
    search |= {"controller_steps": 1, "candidates": 2, "beams": 1}
    tree: dict[str, Any] = {
        "data": {"source": f"folder:{images}", "image_size": 16},
        "compute": {"device": "cpu", "precision": "float32"},
        "network": {"latent_size": 4},
        "judge": {"image_size": 16, "width": 8, "epochs": 1, "batch_size": 16},
        "search": {**WIDTHS, **BATCHES, **search},
        "derive": {"candidates": 3, "top": 2, "generator_steps": 2},
        "train": {**WIDTHS, **BATCHES, "generator_steps": 2, "validate_every_steps": 1}
        | {"validation_images": 40},
        "evaluate": {"images": 40, "inception_splits": 2},
        "log_every_steps": 1,
    }
    return settings_from_tree(merged(tree, changes))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with images of two classes; the cache lies in it too."""
    home = tmp_path_factory.mktemp("verify")
    draw = np.random.default_rng(3)
    for split, count in (("train", 80), ("test", 20)):
        for label, name in enumerate(("dark", "light")):
            (home / "images" / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = draw.integers(128 * label, 128 * (label + 1), (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(home / "images" / split / name / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(home / "cache"))
        yield home


@pytest.fixture(scope="module")
def finished(home: Path) -> Path:
    search_and_train(tiny_settings(home / "images"), home / "run")
    return home / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(finished, tmp_path / "run")


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_a_finished_run_is_sound_and_its_scores_come_out_again(finished: Path) -> None:
    code, output = command("verify", finished, "--recompute", "--json")
    answer = json.loads(output.splitlines()[-1])
    assert code == 0 and answer["sound"] and answer["problems"] == []
    files = {str(f.relative_to(finished)) for f in finished.rglob("*") if f.is_file()}
    read = {f for f in files if f.endswith((".json", ".jsonl", ".yaml", ".safetensors", ".png"))}
    assert read <= set(answer["checked"])
    assert files - {CHECKSUMS, "lock"} == set(json.loads((finished / CHECKSUMS).read_text()))


def test_kinds_left_out_have_pictures_that_are_looked_after(run: Path) -> None:
    """Untrained as it is, the generator makes a few kinds at most."""
    results = json.loads((run / "results.json").read_text())
    places = [place for place, mode in enumerate(results["modes"]["modes"]) if mode["missing"]]
    files = [f"pictures/missing/{place}.png" for place in places]
    assert files and set(files) <= set(json.loads((run / CHECKSUMS).read_text()))
    (run / files[0]).unlink()
    assert f"{files[0]} is missing: results.json names it" in verify(run).problems


def test_results_that_know_no_kinds_are_recomputed_without(run: Path) -> None:
    """Those of version 0.1.0."""

    def older(results: Any) -> None:
        results.pop("modes")

    edit_json("results.json", older)(run)
    write_checksums(run)
    code, output = command("verify", run, "--recompute", "--json")
    assert code == 0, output


def test_the_printed_command_gives_equal_scores(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    program, *arguments = results["recompute"].split()
    measured = json.loads((finished / "data.json").read_text())["precision"]
    assert program == "autogan" and f"compute.precision={measured}" in arguments
    code, output = command(*arguments)
    again = json.loads(output.splitlines()[-1])
    assert code == 0
    for name in ("scores", "floor", "untrained", "modes", "protocol", "data", "architecture"):
        assert again[name] == results[name]


def test_a_report_drawn_anew_is_sound(run: Path) -> None:
    (run / "report.html").unlink()
    assert not verify(run).sound
    assert command("report", run)[0] == 0
    assert verify(run).problems == []


def test_a_training_alone_of_settings_that_start_from_a_search_is_sound(
    home: Path, tmp_path: Path
) -> None:
    architecture = Architecture.parse("pre-none-nearest/pre-none-nearest")
    settings = tiny_settings(home / "images", train={"start": "shared"})
    run = Run.create(tmp_path / "run", settings, Task("train", str(architecture)))
    run_training(run, architecture, Progress())
    run.close()
    assert verify(run.folder).problems == []


@pytest.fixture(scope="module")
def tried(home: Path) -> Path:
    """A search by trials with settings that are decided where it begins."""
    settings = tiny_settings(
        Path("images"),
        search={"strategy": "random"},
        train={"start": "shared"},
        compute={"precision": "auto"},
        trials={"count": 3, "steps": 1, "rungs": 2, "goals": ["frechet_distance", "parameters"]},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        run = Run.create(home / "tried", settings, Task("search", method="trials"))
        search_by_trials(run, Progress())
        run.close()
    return run.folder


def test_a_finished_search_by_trials_is_sound(tried: Path) -> None:
    found = verify(tried)
    assert found.problems == [] and "trials.json" in found.checked


def test_a_folder_without_a_run_is_a_users_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert "config.yaml" in str(result.exception)


def test_every_corrupted_byte_is_noticed(run: Path, request: pytest.FixtureRequest) -> None:
    """Or harmless: a blank in checksums.json may change, what it says may not."""
    full = FULL or request.config.getoption("--torture", default=False)
    draw = random.Random() if full else random.Random(5)
    files = [file for file in sorted(run.rglob("*")) if file.is_file() and file.stat().st_size]
    sizes = [file.stat().st_size for file in files]
    for number in range(200 if full else 12):
        # Half of them by size, half by file: else the small files would never be hit.
        (file,) = draw.choices(files, sizes) if number % 2 else [draw.choice(files)]
        content = file.read_bytes()
        place = draw.randrange(len(content))
        byte = content[place] ^ draw.randrange(1, 256)
        file.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
        found = verify(run)
        if found.sound:
            assert file.name == CHECKSUMS
            assert json.loads(file.read_bytes()) == json.loads(content)
        elif file.name != CHECKSUMS:  # damage there names the file that it is about
            assert any(file.name in problem for problem in found.problems), (file, found.problems)
        file.write_bytes(content)
    assert verify(run).sound


# Damage that checksums cannot notice, because whoever did it wrote them anew


def edit_json(name: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        value = json.loads((run / name).read_text())
        change(value)
        (run / name).write_text(json.dumps(value))

    return edit


def edit_lines(event: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        change([line for line in lines if line["event"] == event])
        (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    return edit


def edit_weights(
    name: str, change: Callable[[dict[str, torch.Tensor], dict[str, str]], None]
) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        tensors, metadata = load_tensors(run / name)
        change(tensors, metadata)
        save_tensors(run / name, tensors, {k: v for k, v in metadata.items() if k != "sha256"})

    return edit


def edit_settings(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        described = yaml.safe_load((run / "config.yaml").read_text())
        change(described["settings"])
        (run / "config.yaml").write_text(yaml.safe_dump(described))

    return edit


FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a better score": (
        edit_json("results.json", lambda r: r["scores"].update(frechet_distance=0.5)),
        "finished line",
    ),
    "another architecture": (
        edit_json("results.json", lambda r: r.update(architecture="pre-none-nearest")),
        "architecture is not that of generator.safetensors",
    ),
    "another vector": (
        edit_json("results.json", lambda r: r["vector"].__setitem__(0, 1 - r["vector"][0])),
        "vector is not that of generator.safetensors",
    ),
    "other data": (
        edit_json("results.json", lambda r: r["data"].update(digest="0" * 64)),
        "data is not what data.json says",
    ),
    "another judge": (
        edit_json("results.json", lambda r: r["floor"].update(judge="domain-00000000")),
        "another judge",
    ),
    "a result left out": (edit_json("results.json", lambda r: r.pop("untrained")), "untrained"),
    "another beam": (
        edit_json("architectures.json", lambda a: a["stages"][0][0].update(reward=9.5)),
        "beams of stage 0",
    ),
    "a shuffled ranking": (
        edit_json("architectures.json", lambda a: a["ranking"].reverse()),
        "the ranking is not",
    ),
    "a better reward": (
        edit_lines("child", lambda children: children[-1].update(reward=99.0)),
        "the ranking is not that of the children",
    ),
    "a child from nowhere": (
        edit_lines(
            "child",
            lambda c: c[-1].update(architecture="post-instance-bilinear/post-instance-bilinear"),
        ),
        "extends no beam",
    ),
    "a better validation": (
        edit_json(
            "derive.json",
            lambda d: d["candidates"][1]["validation"].update(inception_score=2.0),
        ),
        "another validation",
    ),
    "a swapped winner": (
        lambda run: shutil.copyfile(
            run / loser(run)["file"], run / "generator.safetensors"
        ),
        "not of the best candidate",
    ),
    "a changed weight": (
        edit_weights("generator.safetensors", lambda t, _: t["to_rgb.bias"].add_(1)),
        "weights of the winner",
    ),
    "no number": (
        edit_weights("generator.safetensors", lambda t, _: t["to_rgb.bias"].fill_(torch.nan)),
        "NaN",
    ),
    "another width": (
        edit_settings(lambda s: s["train"].update(generator_channels=8)),
        "number of channels is 4",
    ),
    "another setting": (
        edit_settings(lambda s: s["search"].update(controller_steps=2)),
        "search.controller_steps",
    ),
    "a lost candidate": (
        lambda run: (run / "candidates" / "1.safetensors").unlink(),
        "candidates/1.safetensors is missing",
    ),
    "a broken line": (
        lambda run: (run / "log.jsonl").write_text(
            "{\n" + (run / "log.jsonl").read_text()
        ),
        "line 1 is damaged",
    ),
}  # fmt: skip


TRIAL_FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "damage": (edit_json("trials.json", lambda t: t.pop("goals")), "trials.json is not what"),
    "a better score": (
        edit_json(
            "trials.json",
            lambda t: (
                t["trials"][1].update(values=[0.5, t["trials"][1]["values"][1]]),
                t["trials"][1]["rungs"][-1][1].__setitem__(0, 0.5),
            ),
        ),
        "trial 1 has other scores at",
    ),
    "other values": (
        edit_json("trials.json", lambda t: t["trials"][1]["values"].__setitem__(0, 0.5)),
        "values of trial 1 are not those of its highest rung",
    ),
    "fewer parameters": (
        edit_json(
            "trials.json",
            lambda t: (
                t["trials"][1]["values"].__setitem__(1, 5.0),
                t["trials"][1]["rungs"][-1][1].__setitem__(1, 5.0),
            ),
        ),
        "parameters of trial 1 is not that of its architecture",
    ),
    "another best": (
        edit_json("trials.json", lambda t: t.update(best=(t["best"] + 1) % 3)),
        "best is",
    ),
    "a best that is none": (edit_json("trials.json", lambda t: t.update(best=9)), "best is 9"),
    "another front": (
        edit_json("trials.json", lambda t: [row.update(front=False) for row in t["trials"]]),
        "the front is not that of the scores",
    ),
    "more volume": (
        edit_json("trials.json", lambda t: t.update(hypervolume=1e9)),
        "hypervolume are not those of the scores",
    ),
    "another seed": (
        edit_json("trials.json", lambda t: t["trials"][0].update(seed=4)),
        "trial 0 has another architecture or seed than config.yaml",
    ),
    "other goals": (
        edit_json("trials.json", lambda t: t["goals"].reverse()),
        "goals is ['parameters', 'frechet_distance'], in config.yaml",
    ),
    "another generator": (
        edit_weights(
            "generator.safetensors",
            lambda _, about: about.update(
                origin=json.dumps(
                    merged(json.loads(about["origin"]), {"validation": {"frechet_distance": 0.5}})
                )
            ),
        ),
        "another validation than the best trial",
    ),
}


@pytest.mark.parametrize("name", TRIAL_FORGERIES)
def test_trials_that_contradict_their_folders_are_named(
    tried: Path, tmp_path: Path, name: str
) -> None:
    run = shutil.copytree(tried, tmp_path / "tried")
    forge, words = TRIAL_FORGERIES[name]
    forge(run)
    write_checksums(run)
    code, output = command("verify", run)
    assert code == 1
    assert words in output.replace("\n", " ")


@pytest.mark.parametrize("part", ["search", "derive"])
@pytest.mark.parametrize("damaged", [1, 2])
def test_a_run_that_went_back_does_not_contradict_itself(
    run: Path, part: str, damaged: int
) -> None:
    """What it wrote after its newest checkpoint is noted until it is written anew."""
    for file in checkpoint_files(run, part)[-damaged:]:
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="set aside"):
        Run.resume(run).close()
    found = verify(run)
    (missing,) = found.problems
    assert missing.startswith("checksums.json is missing") and "went back" in missing
    noted = [note.split()[0] for note in found.notes if "went back" in note]
    search_is_final = (part, damaged) == ("derive", 1)
    assert noted == ["results.json"] if search_is_final else ["architectures.json", "results.json"]


def test_a_run_that_went_back_and_ended_is_sound(run: Path) -> None:
    newest = checkpoint_files(run, "search")[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="set aside"):
        again = Run.resume(run)
    run_everything(again, Progress())
    again.close()
    assert verify(run).problems == []


def loser(run: Path) -> dict[str, Any]:
    winner = json.loads((run / "results.json").read_text())["candidates"][0]["file"]
    candidates = json.loads((run / "derive.json").read_text())["candidates"]
    return next(c for c in candidates if c["file"] != winner)


@pytest.mark.parametrize("name", FORGERIES)
def test_files_that_contradict_each_other_are_named(run: Path, name: str) -> None:
    forge, words = FORGERIES[name]
    forge(run)
    write_checksums(run)
    code, output = command("verify", run)
    assert code == 1
    assert words in output.replace("\n", " ")


def test_other_images_are_said_before_a_judge_learns_them(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(results: Any) -> None:
        results["data"]["digest"] = "0" * len(results["data"]["digest"])

    edit_json("results.json", other)(run)
    module = import_module("autogan.verify.recompute")
    monkeypatch.delattr(module, "prepare")
    (told,) = module.recompute(run, Progress())
    assert told.startswith("The data here is not that of the run")


def test_a_forged_score_does_not_come_out_again(run: Path) -> None:
    def better(value: Any) -> None:
        value["scores"]["frechet_distance"] = 0.5

    edit_json("results.json", better)(run)
    edit_lines("finished", lambda lines: better(lines[-1]))(run)
    write_checksums(run)
    assert verify(run).sound
    code, output = command("verify", run, "--recompute", "--json")
    problems = json.loads(output.splitlines()[-1])["problems"]
    assert code == 1 and len(problems) == 1 and "scores.frechet_distance" in problems[0]


# Selection and report share no latents


def test_selection_and_report_never_share_latents(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import autogan.method.child_scoring
    import autogan.method.evaluate
    import autogan.method.pipeline
    import autogan.method.train

    used: dict[str, list[torch.Tensor]] = {"selection": [], "report": []}
    purpose = "selection"

    def recorded(generate: Any) -> Any:
        def generated(generator: Any, latents: torch.Tensor, *rest: Any, **more: Any) -> Any:
            used[purpose].append(latents.cpu())
            return generate(generator, latents, *rest, **more)

        return generated

    def reporting(evaluate: Any) -> Any:
        def evaluated(*given: Any) -> Any:
            nonlocal purpose
            purpose = "report"
            return evaluate(*given)

        return evaluated

    for module in (autogan.method.evaluate, autogan.method.child_scoring):
        monkeypatch.setattr(module, "generate", recorded(module.generate))
    monkeypatch.setattr(
        autogan.method.pipeline, "evaluate", reporting(autogan.method.pipeline.evaluate)
    )
    search_and_train(tiny_settings(home / "images"), tmp_path / "run")
    selection, report = (torch.cat(used[name]) for name in ("selection", "report"))
    # 7 children, and 4 validations of the same latents; in the report the generator and an untrained
    # one, of the same latents too.
    assert len(selection) == (7 + 4) * 40 and len(report) == 2 * 40
    assert len(torch.unique(selection, dim=0)) == (7 + 1) * 40
    assert torch.equal(report[:40], report[40:])
    assert torch.cdist(report, selection).min() > 1e-3


# Two processes, one cache


def test_two_processes_that_fill_one_cache_do_no_harm(home: Path, tmp_path: Path) -> None:
    arguments = ("judge", "train", "--json", "--data", f"folder:{home / 'images'}")
    for name in ("data.image_size=16", "judge.image_size=16", "judge.width=8", "judge.epochs=1",
                 "judge.batch_size=16", "search.stage_weights=[1,1]", "compute.device=cpu"):  # fmt: skip
        arguments += ("--set", name)
    environment = {**os.environ, "AUTOGAN_CACHE": str(tmp_path / "cache")}
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "autogan", *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    first, second = (json.loads(out) for out, _ in answers)
    assert first["name"] == second["name"]
    assert "Traceback" not in answers[0][1] + answers[1][1]
    left = [f.name for f in (tmp_path / "cache").rglob("*") if f.name.startswith(".")]
    assert left == [] and not list((tmp_path / "cache").rglob("*.part"))
    assert len(list((tmp_path / "cache" / "datasets").iterdir())) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
        patch.setattr("autogan.judges.domain.train_domain_judge", None)  # must not be called
        code, output = command(*arguments)
    assert code == 0 and json.loads(output.splitlines()[-1])["name"] == first["name"]
    assert "damaged" not in output
