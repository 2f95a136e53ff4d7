"""The parts of a run in order, what each leaves, and the same parts asked for one by one."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sources import split, write_folder
from tiny import Listening, stop_in, tiny

from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors
from autogan.method.pipeline import (
    part_of,
    run_derivation,
    run_everything,
    run_ranking,
    run_search,
    run_training,
)
from autogan.method.train import Training
from autogan.runs.checksums import changed_files
from autogan.runs.folder import Run
from autogan.runs.journal import Journal
from autogan.runs.outcomes import COLLAPSED_SPREAD
from autogan.runs.stopping import Stopped
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.testing.checks import equal_trees

PICTURES = (
    "samples.png",
    "pictures/real.png",
    "pictures/neighbours.png",
    "pictures/interpolation.png",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Images of two classes, and a cache for all runs of this file."""
    home = tmp_path_factory.mktemp("home")
    write_folder(split(40, 40), home / "pets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(home / "cache"))
        patch.setattr(Journal, "curve", lambda journal, name, value, step: None)
        patch.setattr("autogan.report.live.write_report", write_page)
        yield home


def write_page(folder: Path) -> None:
    """Drawing the true one takes seconds; tests/report look at it."""
    (folder / "report.html").write_text("a page")


@pytest.fixture(autouse=True)
def own_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One for all tests here: the judge is the same."""
    monkeypatch.setenv("AUTOGAN_CACHE", str(home / "cache"))
    return home / "cache"


def settings(home: Path, **changes: Any) -> Settings:
    search = {"shared_epochs": None, "shared_steps": 4}
    return tiny(data={"source": f"folder:{home / 'pets'}"}, search=search, **changes)


def timeless(tree: Any) -> Any:
    """A tree without what depends on the clock, the memory and the folder."""
    if isinstance(tree, dict):
        left_out = ("seconds", "peak_memory_mib", "recompute")
        return {key: timeless(value) for key, value in tree.items() if key not in left_out}
    return [timeless(item) for item in tree] if isinstance(tree, list) else tree


def content(folder: Path, name: str) -> Any:
    return timeless(json.loads((folder / name).read_text()))


@pytest.fixture(scope="module")
def whole(home: Path) -> tuple[Path, dict[str, Any], Listening]:
    """A run of everything: its folder, its results, and what it told."""
    run, progress = Run.create(home / "whole", settings(home)), Listening()
    results = run_everything(run, progress)
    run.close()
    return run.folder, results, progress


def test_the_parts_come_in_order(whole: tuple[Path, dict[str, Any], Listening]) -> None:
    folder, _, progress = whole
    parts = ["judge", "search", "derive", "train", "evaluate"]
    assert progress.parts == list(progress.planned) == parts
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    stood = [line.get("part") or line.get("purpose") or line["event"] for line in lines]
    order = ["search", "controller", "beam", "derive", "candidate-0", "candidate-2", "train"]
    places = [stood.index(name) for name in [*order, "finished"]]
    assert places == sorted(places) and places[-1] == len(stood) - 1


def test_each_part_leaves_its_files(whole: tuple[Path, dict[str, Any], Listening]) -> None:
    folder, results, _ = whole
    for name in ("config.yaml", "data.json", "architectures.json", "derive.json", "report.html"):
        assert (folder / name).stat().st_size > 0, name
    for name in (*PICTURES, *(f"candidates/{number}.safetensors" for number in range(3))):
        assert (folder / name).stat().st_size > 0, name
    assert list(results["seconds"]) == ["data and judge", "search", "derive", "train", "evaluate"]
    assert content(folder, "results.json") == timeless(results)
    assert content(folder, "data.json")["judge"] == results["judge"]["name"]
    kept = {file.stem[:-9] for file in (folder / "checkpoints").iterdir()}
    assert kept == {"search", "derive", "train"}
    assert changed_files(folder) == []


def test_results_are_of_the_winner(whole: tuple[Path, dict[str, Any], Listening]) -> None:
    folder, results, _ = whole
    candidates = results["candidates"]
    validations = [candidate["validation"] for candidate in candidates]
    order = [(v["spread"] < COLLAPSED_SPREAD, -v["inception_score"]) for v in validations]
    assert results["chosen_by"] == {"reward": "inception_score", "metric": "inception_score"}
    assert len(candidates) == 3 and order == sorted(order)
    assert results["architecture"] == candidates[0]["architecture"]
    _, metadata = load_tensors(folder / "generator.safetensors")
    origin = json.loads(metadata["origin"])
    assert metadata["architecture"] == results["architecture"]
    assert origin["validation"] == results["validation"]
    steps = [line["generator_steps"] for line in events(folder, "validation", "train")]
    assert steps == [2, 4, 6]  # the full budget, where candidates had less


def events(folder: Path, kind: str, part: str) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [e for e in map(json.loads, lines) if (e["event"], e.get("part")) == (kind, part)]


def test_a_search_and_its_derivation_find_what_one_run_finds(
    home: Path, tmp_path: Path, whole: tuple[Path, dict[str, Any], Listening]
) -> None:
    folder, results, _ = whole
    run = Run.create(tmp_path / "run", settings(home), Task("search"))
    progress = Listening()
    run_search(run, progress)
    run.close()
    assert progress.parts == list(progress.planned) == ["judge", "search"]
    written = content(run.folder, "architectures.json")
    assert written["ranking"] == [] and changed_files(run.folder) == []
    assert written["stages"] == content(folder, "architectures.json")["stages"]
    run = Run.resume(run.folder)
    progress = Listening()
    candidates = run_derivation(run, progress)
    run.close()
    assert progress.parts == list(progress.planned) == ["judge", "search", "derive"]
    for name in ("architectures.json", "derive.json", "data.json"):
        assert content(run.folder, name) == content(folder, name), name
    assert [str(c.architecture) for c in candidates] == [
        c["architecture"] for c in results["candidates"]
    ]
    winner = load_tensors(run.folder / "generator.safetensors")[0]
    file = results["candidates"][0]["file"]
    assert equal_trees(winner, load_tensors(folder / file)[0])
    assert not (run.folder / "results.json").exists() and changed_files(run.folder) == []


def test_a_ranking_alone_is_that_of_the_whole_run(
    home: Path, tmp_path: Path, whole: tuple[Path, dict[str, Any], Listening]
) -> None:
    run = Run.create(tmp_path / "run", settings(home), Task("search"))
    ranking = run_ranking(run, Listening())
    expected = content(whole[0], "derive.json")["ranking"]
    assert [str(child.architecture) for child in ranking] == [c["architecture"] for c in expected]
    assert [child.reward for child in ranking] == [c["reward"] for c in expected]
    again = run_ranking(run, Listening())
    run.close()
    assert again == ranking and not (run.folder / "derive.json").exists()


def test_a_derivation_needs_a_search_that_has_ended(home: Path, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", settings(home), Task("search"))
    with pytest.raises(UserError, match=r"has not ended\. Finish it first: autogan search --out"):
        run_derivation(run, Listening())
    run.close()


def test_candidates_with_the_full_budget_are_not_trained_again(home: Path, tmp_path: Path) -> None:
    changes = {"derive": {"generator_steps": None, "top": 2}, "train": {"generator_steps": 2}}
    run = Run.create(tmp_path / "run", settings(home, **changes))
    progress = Listening()
    results = run_everything(run, progress)
    run.close()
    assert progress.parts == list(progress.planned) == ["judge", "search", "derive", "evaluate"]
    file = results["candidates"][0]["file"]
    generator = (run.folder / "generator.safetensors").read_bytes()
    assert generator == (run.folder / file).read_bytes()


def test_one_architecture_is_trained_and_evaluated(
    home: Path, tmp_path: Path, whole: tuple[Path, dict[str, Any], Listening]
) -> None:
    _, results, _ = whole
    text = results["architecture"]
    run = Run.create(tmp_path / "run", settings(home), Task("train", text))
    progress = Listening()
    alone = run_training(run, Architecture.parse(text), progress)
    run.close()
    assert progress.parts == list(progress.planned) == ["judge", "train", "evaluate"]
    assert alone["candidates"] == [] and alone["architecture"] == text
    # The streams of a training have its name: it is the whole run's last part to the bit.
    for name in ("scores", "floor", "untrained", "validation", "neighbours", "judge"):
        assert alone[name] == results[name], name


def test_a_run_that_was_interrupted_ends_as_the_whole_one(
    home: Path,
    tmp_path: Path,
    whole: tuple[Path, dict[str, Any], Listening],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, results, _ = whole
    Run.create(tmp_path / "run", settings(home)).close()
    step = Training.step
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "autogan.method.pipeline.time", SimpleNamespace(monotonic=lambda: clock.now)
    )

    def ticking(training: Training) -> bool:
        clock.now += 1.0
        return step(training)

    monkeypatch.setattr(Training, "step", ticking)

    def interrupted_in(name: str) -> None:
        run = Run.resume(tmp_path / "run")
        stop_in(name, run, monkeypatch)
        with pytest.raises(Stopped):
            run_everything(run, Listening())
        run.close()

    interrupted_in("candidate-1")
    seconds = json.loads((tmp_path / "run" / "timings.json").read_text())
    assert seconds == {"data and judge": 0.0, "search": 0.0, "derive": 3.0 + 2.0}
    interrupted_in("train")
    run = Run.resume(tmp_path / "run")
    again = run_everything(run, Listening())
    run.close()
    # Each candidate: two steps and a validation; the training: six and three of them.
    assert again["seconds"]["derive"] == 3 * 3.0 and again["seconds"]["train"] == 6.0 + 3.0
    assert timeless(again) == timeless(results)
    assert content(run.folder, "architectures.json") == content(folder, "architectures.json")


def test_another_judge_than_before_is_refused(
    home: Path, tmp_path: Path, whole: tuple[Path, dict[str, Any], Listening]
) -> None:
    shutil.copytree(whole[0], tmp_path / "run")
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    run = Run.resume(tmp_path / "run")
    run.write("data.json", {**data, "judge": "domain-12345678"})
    with pytest.raises(UserError, match=r"began with the judge domain-12345678.*Bring the cache"):
        run_everything(run, Listening())
    run.close()


def test_timings_add_up_over_interruptions(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path / "run", settings(home))
    times = iter([0.0, 1.25, 10.0, 12.0, 20.0, 20.5])
    clock = SimpleNamespace(monotonic=lambda: next(times))
    monkeypatch.setattr("autogan.method.pipeline.time", clock)
    with pytest.raises(KeyboardInterrupt), part_of(run, "search"):
        raise KeyboardInterrupt
    assert run.read("timings.json") == {"search": 1.2}
    with part_of(run, "search"):
        pass
    with part_of(run, "derive"):
        pass
    assert run.read("timings.json") == {"search": 3.2, "derive": 0.5}
    run.close()


def test_the_report_is_drawn_anew_after_states_of_a_part(home: Path, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", settings(home))
    assert run.checkpoints.after_saving is None
    with part_of(run, "search"):
        first = run.checkpoints.after_saving
        assert first is not None
    with part_of(run, "derive"):
        assert run.checkpoints.after_saving is first  # it knows how long drawing took
    run.close()


@pytest.mark.parametrize(("bottom", "size"), [(2, 8), (3, 12)])
def test_a_run_may_begin_with_maps_of_two_or_three_pixels(
    home: Path, tmp_path: Path, bottom: int, size: int
) -> None:
    """Its first stage sees smaller images than any source may have."""
    data = {"source": f"folder:{home / 'pets'}", "image_size": size}
    given = tiny(data=data, network={"bottom_size": bottom})
    run = Run.create(tmp_path / "run", given)
    results = run_everything(run, Listening())
    run.close()
    assert results["image_size"] == size and len(results["architecture"].split("/")) == 2
