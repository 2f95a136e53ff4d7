"""What two networks are trained with, in the page: sentences, charts, and where a run is."""

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from autogan.report.page import report_page
from autogan.runs.events import Losses
from autogan.runs.folder import Run
from autogan.runs.ingredients import ingredients_of
from autogan.runs.record import read_record
from autogan.runs.status import status_of
from autogan.runs.task import Task
from autogan.settings.loading import load_settings

HEADING = "<h2>What it was trained with</h2>"


def section_of(folder: Path) -> str:
    """The part of the page that says what the networks were trained with, as people read it."""
    _, _, below = report_page(read_record(folder)).partition(HEADING)
    return unescape(below.partition("</section>")[0])


@pytest.mark.parametrize("until", ["begun", "searching", "finished"])
@pytest.mark.parametrize("command", ["run", "train"])
def test_the_page_explains_every_ingredient(
    make_run: Callable[..., Path], until: str, command: str
) -> None:
    task = Task("train", "autogan-a") if command == "train" else Task("run")
    folder = make_run(until=until, task=task, overrides=("train.objective.lecam_penalty=0.3",))
    section = section_of(folder)
    for one in ingredients_of(read_record(folder)):
        assert f"{one.name[0].upper()}{one.name[1:]}" in section and one.sentence in section
    assert "LeCam 0.3" in section and ("in the training" in section) == (command == "run")


def test_a_run_of_few_steps_is_explained_too(make_run: Callable[..., Path]) -> None:
    """Nothing was logged: there are no charts whose captions could say anything."""
    folder = make_run()
    (folder / "log.jsonl").write_text("")
    page = report_page(read_record(folder))
    assert "Nothing has been logged yet" in page and "Losses of the" not in page
    assert "Hinge loss" in section_of(folder) and 'href="#training"' in page


def test_settings_of_a_newer_version_have_no_such_section(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    config = folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("loss: hinge", "loss: telepathy"), "utf-8")
    page = report_page(read_record(folder))
    assert HEADING not in page and 'href="#training"' not in page and "telepathy" in page


def test_names_from_outside_are_escaped(make_run: Callable[..., Path]) -> None:
    task = Task("train", "autogan-a", start="/runs/<script>alert(1)</script>")
    page = report_page(read_record(make_run(until="begun", task=task)))
    assert "<script>" not in page and "/runs/&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task("run"), "the search's weights"),
        (Task("train", "autogan-a"), "scratch"),
        (Task("search", method="trials"), "scratch"),
    ],
)
def test_the_page_says_what_a_training_began_with(task: Task, words: str, tmp_path: Path) -> None:
    """Trainings begin with shared weights only where a search leaves them."""
    settings = load_settings("cifar10-paper", overrides=["train.start=shared"])
    run = Run.create(tmp_path / "run", settings, task)
    run.journal.log(Losses("train", 10, 1.0, 0.5))
    run.close()
    assert f"was trained from {words}." in report_page(read_record(run.folder)).replace(
        "&#39;", "'"
    )


def test_page_and_status_show_an_adaptive_probability(tmp_path: Path) -> None:
    overrides = [
        "train.augmentation=[shift]",
        "train.augmentation_probability=adaptive",
        "train.objective.loss=non-saturating",
    ]
    settings = load_settings("cifar10-paper", overrides=overrides)
    run = Run.create(tmp_path / "run", settings, Task("train", "autogan-a"))
    run.write("data.json", {"name": "glyphs", "digest": "1" * 64, "training_images": 100,
                            "held_out_images": 50, "judge": "domain-1"})  # fmt: skip
    for step, probability in ((10, 0.25), (20, 0.5)):
        run.journal.log(Losses("train", step, 1.0, 0.5, None, probability))
    run.close()
    page = report_page(read_record(run.folder))
    assert "Adaptive augmentation" in page and "non-saturating loss" in page
    assert "Augmentation by shift, adaptive" in page
    assert "At step 20 the probability was 0.500." in page
    assert status_of(run.folder).position == (
        f"step 20 of {settings.train.generator_steps}, augmentation probability 0.500"
    )


def test_a_game_as_published_shows_none_of_it(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", load_settings("cifar10-paper"), Task("train", "autogan-a"))
    run.journal.log(Losses("train", 10, 1.0, 0.5))
    run.close()
    page = report_page(read_record(run.folder))
    assert "hinge loss" in page and "Adaptive augmentation" not in page
    assert "was trained from scratch.</figcaption>" in page
    assert "augmentation_probability" not in (run.folder / "log.jsonl").read_text()
