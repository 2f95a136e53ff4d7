"""A training that goes on from where that of another run ended (`autogan train --from`)."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sources import split, write_folder
from tiny import Listening, stop_in, tiny

import autogan
from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors
from autogan.method.pipeline import run_everything, run_training
from autogan.report.page import report_page
from autogan.runs.checkpoints import load_checkpoint
from autogan.runs.checksums import write_checksums
from autogan.runs.ended_training import read_ended_training
from autogan.runs.file_names import checkpoint_files
from autogan.runs.folder import Run
from autogan.runs.record import read_record
from autogan.runs.stopping import Stopped
from autogan.runs.task import Task
from autogan.settings.loading import merged, settings_from_tree
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.testing.checks import equal_trees

ARCHITECTURE = Architecture.parse("autogan:pre-batch-nearest/post-none-bilinear+skip0")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_folder(split(40, 40), tmp_path / "pets")
    return tmp_path / "pets"


def settings(images: Path, **changes: Any) -> Settings:
    return tiny(**merged({"data": {"source": f"folder:{images}"}}, changes))


def changed(before: Settings, **train: Any) -> Settings:
    return settings_from_tree(merged(before.model_dump(mode="json"), {"train": train}))


def trained(folder: Path, chosen: Settings, start: Path | None = None) -> dict[str, Any]:
    """The last state of a training."""
    task = Task("train", str(ARCHITECTURE), start=str(start) if start else None)
    run = Run.create(folder, chosen, task)
    assert run_training(run, ARCHITECTURE, Listening())
    run.close()
    state = load_checkpoint(folder, "train")
    assert state is not None
    return state


@pytest.mark.parametrize(
    "changes",
    [
        {"network": {"conditional": "always"}, "train": {"mirror": True}},
        {
            "train": {
                "objective": {
                    "loss": "relativistic-pairing",
                    "spectral_norm": False,
                    "real_penalty": 1.0,
                    "penalty_every_steps": 4,
                },
                "augmentation": ["colour", "shift"],
                "augmentation_probability": "adaptive",
            }
        },
        {"train": {"average_half_life_images": 40, "average_seen_share": 0.5}},
    ],
)
def test_two_trainings_end_as_one_that_is_as_long_as_both(
    images: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    """With constant rates: weights, moments, averages, streams and batches are equal to the bit."""
    first = settings(images, **changes)
    whole = trained(tmp_path / "whole", changed(first, generator_steps=10))
    trained(tmp_path / "first", first)
    then = trained(tmp_path / "then", changed(first, generator_steps=4), tmp_path / "first")
    assert equal_trees(then["gan"], whole["gan"]) and equal_trees(then["batches"], whole["batches"])
    assert then["step"] == 4 and [v["generator_steps"] for v in then["validations"]] == [2, 4]


def test_the_rate_begins_anew(images: Path, tmp_path: Path) -> None:
    """As the schedule says of the new steps; where there is none, at what the settings say."""
    falling = settings(images, train={"schedule": {"learning_rate": "linear"}})
    ended = trained(tmp_path / "first", falling)
    (group,) = ended["gan"]["generator_optimiser"]["param_groups"]
    assert group["lr"] < falling.train.learning_rate
    constant = settings(images)
    trained(tmp_path / "constant", constant)
    higher = changed(constant, generator_steps=2, learning_rate=0.001)
    state = trained(tmp_path / "higher", higher, tmp_path / "constant")
    (group,) = state["gan"]["generator_optimiser"]["param_groups"]
    assert group["lr"] == pytest.approx(0.001)


def test_the_winner_of_a_search_goes_on_and_an_interruption_changes_nothing(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(
        images,
        search={"shared_epochs": None, "shared_steps": 4, "discriminator": "together"},
        train={"start": "shared"},
    )
    chosen = settings_from_tree(merged(chosen.model_dump(), {"search": {"probe_steps": 1}}))
    run = Run.create(tmp_path / "found", chosen)
    results = run_everything(run, Listening())
    run.close()
    before = read_ended_training(tmp_path / "found")
    assert before.architecture == results["architecture"]
    assert before.settings.network.discriminator == results["discriminator"]["architecture"]
    architecture = Architecture.parse(before.architecture)
    task = Task("train", before.architecture, start=str(before.folder))
    for name in ("whole", "stopped"):
        run = Run.create(tmp_path / name, before.settings, task)
        if name == "stopped":
            with monkeypatch.context() as patch:
                stop_in("train", run, patch)
                with pytest.raises(Stopped):
                    run_training(run, architecture, Listening())
            run.close()
            run = Run.resume(tmp_path / name)
        listening = Listening()
        run_training(run, architecture, listening)
        run.close()
        assert any("goes on from where that in" in note for note in listening.notes)
    own, other = (
        load_tensors(tmp_path / name / "generator.safetensors")[0] for name in ("whole", "stopped")
    )
    assert equal_trees(own, other)
    record = read_record(tmp_path / "whole")
    page = report_page(record)
    steps = 4 * before.settings.train.generator_steps
    assert f"{record.folder} --set train.generator_steps={steps} --out NEW_FOLDER" in page
    assert f"was trained on from where that in {before.folder} ended" in page
    assert f"autogan train --from {before.folder} --out NEW_FOLDER" in page


def test_from_python(images: Path, tmp_path: Path) -> None:
    chosen = settings(images)
    trained(tmp_path / "first", chosen)
    longer = changed(chosen, generator_steps=2)
    _, results = autogan.train_architecture(
        ARCHITECTURE, longer, tmp_path / "then", start=tmp_path / "first"
    )
    assert results["validation"]["generator_steps"] == 2
    other = Architecture.parse("autogan:pre-batch-nearest/post-none-bilinear")
    with pytest.raises(UserError, match="cannot go on with"):
        autogan.train_architecture(other, longer, tmp_path / "no", start=tmp_path / "first")
    wider = changed(chosen, generator_channels=16)
    with pytest.raises(UserError, match=r"train\.generator_channels: 8 before, 16 now"):
        autogan.train_architecture(ARCHITECTURE, wider, tmp_path / "no", start=tmp_path / "first")
    assert not (tmp_path / "no").exists()


def test_what_leaves_nothing_to_go_on_from_is_refused(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    with pytest.raises(UserError, match="holds no run"):
        read_ended_training(tmp_path)
    Run.create(folder, settings(images), Task("train", str(ARCHITECTURE))).close()
    with pytest.raises(UserError, match="Bring it to its end first: autogan train --resume"):
        read_ended_training(folder)
    run = Run.resume(folder)
    run_training(run, ARCHITECTURE, Listening())
    run.close()
    read_ended_training(folder)
    newest = checkpoint_files(folder, "train")[-1]
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    with pytest.raises(UserError, match="So nothing can go on from it"):
        read_ended_training(folder).refuse_unfit(str(ARCHITECTURE), settings(images))
    for file in checkpoint_files(folder, "train"):
        file.unlink()
    with pytest.raises(UserError, match="keeps no state of a training to go on from"):
        read_ended_training(folder)


@pytest.mark.parametrize("change", ["one more", "another name", "another class", "no classes"])
def test_other_images_than_the_first_training_had_are_refused_before_a_judge_learns(
    images: Path, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that changed places, too: they would be of the old ones' numbers."""
    chosen = settings(images, network={"conditional": "auto"})
    trained(tmp_path / "first", chosen)
    for part in (images / "train", images / "test"):
        cats = part / "cats"
        if change == "one more":
            shutil.copy(next(cats.iterdir()), cats / "more.png")
        elif change == "another name":
            cats.rename(part / "zebras")
        elif change == "another class":
            shutil.copytree(cats, part / "emus")
        else:
            for file in list(cats.iterdir()):
                file.rename(part / "dogs" / f"cat-{file.name}")

    def judged(*_: Any) -> None:
        raise AssertionError("a judge was made")

    monkeypatch.setattr("autogan.method.context._judge", judged)
    with pytest.raises(UserError, match=r"The training in .*first was of other images"):
        autogan.train_architecture(
            ARCHITECTURE, chosen, tmp_path / "then", start=tmp_path / "first"
        )
    assert not (tmp_path / "then").exists()


def test_another_judge_than_the_first_training_had_is_said(images: Path, tmp_path: Path) -> None:
    """The cache lost it, and training it again gave another one."""
    chosen = settings(images)
    trained(tmp_path / "first", chosen)
    for own in (True, False):
        if not own:
            data = tmp_path / "first" / "data.json"
            data.write_text(data.read_text().replace('"judge": "domain-', '"judge": "domain-0'))
            write_checksums(tmp_path / "first")
        start = str(tmp_path / "first")
        run = Run.create(tmp_path / f"{own}", chosen, Task("train", str(ARCHITECTURE), start=start))
        listening = Listening()
        run_training(run, ARCHITECTURE, listening)
        run.close()
        assert own != any("scores of the two runs do not compare" in n for n in listening.notes)


def test_a_run_that_is_gone_is_missed_before_the_judge_learns(images: Path, tmp_path: Path) -> None:
    chosen = settings(images)
    trained(tmp_path / "first", chosen)
    task = Task("train", str(ARCHITECTURE), start=str(tmp_path / "first"))
    Run.create(tmp_path / "then", chosen, task).close()
    (tmp_path / "first").rename(tmp_path / "elsewhere")
    run = Run.resume(tmp_path / "then")
    listening = Listening()
    with pytest.raises(UserError, match=r"Put that run back as it was"):
        run_training(run, ARCHITECTURE, listening)
    assert listening.parts == []
    (tmp_path / "elsewhere").rename(tmp_path / "first")
    assert run_training(run, ARCHITECTURE, listening)
    run.close()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.yaml", "latent_size: 17", r"config\.yaml does not match its checksum"),
        ("checksums.json", "[", r"checksums\.json is damaged \(.*So nothing can go on from it"),
        ("checkpoints/train-{newest}.safetensors", None, r"train-\d{8}\.safetensors is missing"),
        (
            "checkpoints/train-{newest}.safetensors",
            "folder",
            r"train-\d{8}\.safetensors is missing",
        ),
    ],
)
def test_a_run_that_was_changed_since_is_refused(
    images: Path, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    folder = tmp_path / "first"
    trained(folder, settings(images))
    newest = checkpoint_files(folder, "train")[-1].stem[-8:]
    file = folder / name.format(newest=newest)
    if content == "folder" or content is None:
        file.unlink()
        if content:
            file.mkdir()
    else:
        before = "latent_size: 16" if name == "config.yaml" else file.read_text()
        file.write_text(file.read_text().replace(before, content))
    with pytest.raises(UserError, match=message):
        ended = read_ended_training(folder)
        ended.refuse_unfit(str(ARCHITECTURE), ended.settings)


def test_files_that_are_no_states_are_passed_over(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    trained(folder, settings(images))
    states = checkpoint_files(folder, "train")
    (folder / "checkpoints" / "train-abcdefgh.safetensors").write_bytes(b"")
    assert checkpoint_files(folder, "train") == states


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (
            Task("search"),
            r"is only a search.*: autogan derive .*first, and then autogan train --arch",
        ),
        (Task("search", method="trials"), r"is a search by trials.*first/trials\. autogan front"),
    ],
)
def test_a_search_leaves_no_training_to_go_on_from(
    images: Path, tmp_path: Path, task: Task, message: str
) -> None:
    Run.create(tmp_path / "first", settings(images), task).close()
    with pytest.raises(UserError, match=message):
        read_ended_training(tmp_path / "first")


def test_damaged_results_are_named_and_end_no_report(images: Path, tmp_path: Path) -> None:
    trained(tmp_path / "first", settings(images))
    trained(tmp_path / "then", settings(images), tmp_path / "first")
    results = tmp_path / "first" / "results.json"
    content = json.loads(results.read_text())
    del content["architecture"]
    results.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"results\.json is damaged"):
        read_ended_training(tmp_path / "first")
    page = report_page(read_record(tmp_path / "then"))
    # Every setting is said, because those of the run that it went on from are unknown.
    assert "--set train.generator_channels=8" in page
