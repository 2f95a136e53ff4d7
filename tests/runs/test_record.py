"""A run's folder in whatever state: it has a record, and what reads the record agrees on damage."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autogan.basics.errors import UserError
from autogan.runs.events import Failed, IterationEnded, Losses
from autogan.runs.folder import Run
from autogan.runs.record import read_record
from autogan.runs.status import status_of
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.spaces.architecture import Architecture
from autogan.verify import verify

ARCHITECTURE = "pre-batch-nearest"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A search that was interrupted, with everything in it sound."""
    run = Run.create(tmp_path / "run", load_settings(), Task("search"))
    data = {"name": "x", "digest": "0", "training_images": 500, "held_out_images": 100}
    run.write("data.json", data)
    run.journal.log(Losses("search", 1, 1.0, 2.0, stage=0))
    run.journal.log(Failed(Architecture.parse(ARCHITECTURE), "beam", "its reward is nan"))
    run.journal.log(IterationEnded(0, 0, 10))
    run.checkpoints.save("judge", {"step": 3}, {"step": 3, "of": 9})
    run.close()
    return run.folder


def test_a_sound_folder_gives_typed_values(folder: Path) -> None:
    record = read_record(folder)
    assert record.settings == load_settings() and record.task == Task("search")
    assert record.data is not None and record.data.training_images == 500
    assert record.of(Losses) == [Losses("search", 1, 1.0, 2.0, stage=0)]
    assert [event.steps for event in record.of(IterationEnded)] == [10]
    assert str(record.of(Failed)[0].architecture) == ARCHITECTURE
    assert record.positions.judge is not None and record.positions.judge.of == 9
    assert record.results is None and not record.locked and not record.has_checksums
    assert record.problems == () and verify(folder).problems == []
    assert status_of(folder).part == "search"


def test_reading_takes_no_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autogan.runs.record import read_record;"
        "from autogan.report.page import report_page;"
        f"report_page(read_record(Path({str(folder)!r}))); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_line_that_is_being_written_is_no_damage(folder: Path) -> None:
    with (folder / "log.jsonl").open("ab") as log:
        log.write(b'{"event": "losses", "pa')
    record = read_record(folder)
    assert record.log.cut_off and record.problems == () and verify(folder).sound
    assert status_of(folder).part == "search"


def test_lines_of_a_newer_version_are_counted_and_are_no_damage(folder: Path) -> None:
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"event": "telepathy", "seconds": 1}\n')
    record = read_record(folder)
    assert record.log.left_out == 1 and "1 of the 4 lines" in record.problems[0]
    assert verify(folder).sound and status_of(folder).part == "search"


def checkpoint(folder: Path) -> Path:
    (file,) = (folder / "checkpoints").iterdir()
    return file


def replaced(name: str, by: Callable[[Path], None]) -> Callable[[Path], Path]:
    def damage(folder: Path) -> Path:
        file = checkpoint(folder) if name == "checkpoint" else folder / name
        file.unlink(missing_ok=True)
        by(file)
        return file

    return damage


def cut(file: Path) -> None:
    file.write_text('{"a":')


DAMAGES: dict[str, Callable[[Path], Path]] = {
    "data cut off": replaced("data.json", cut),
    "data of another kind": replaced("data.json", lambda f: f.write_text('{"name": 3}') and None),
    "data a folder": replaced("data.json", Path.mkdir),
    "data a link to nowhere": replaced("data.json", lambda f: f.symlink_to("nowhere")),
    "derivation cut off": replaced("derive.json", cut),
    "log no JSON": replaced("log.jsonl", lambda f: f.write_text("no JSON\n") and None),
    "log a device": replaced("log.jsonl", lambda f: f.symlink_to("/dev/zero")),
    "checkpoint cut off": replaced("checkpoint", cut),
    "checkpoint a device": replaced("checkpoint", lambda f: f.symlink_to("/dev/zero")),
    "checkpoint a folder": replaced("checkpoint", Path.mkdir),
    "checkpoint a link to nowhere": replaced("checkpoint", lambda f: f.symlink_to("nowhere")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_status_and_verify_agree_on_damage(folder: Path, name: str) -> None:
    file = DAMAGES[name](folder)
    with pytest.raises(UserError, match=file.name.replace(".", r"\.")):
        status_of(folder)
    assert any(file.name in problem for problem in verify(folder).problems)
    read_record(folder)  # and there is a record all the same


@pytest.mark.parametrize("about", [{}, {"position": 3}, {"position": {"step": "far"}}])
def test_a_checkpoint_that_does_not_say_where_it_stands_is_damaged(
    folder: Path, about: dict[str, object]
) -> None:
    from autogan.files.storage import save_tree

    save_tree(checkpoint(folder), {"step": 3}, about)
    with pytest.raises(UserError, match="checkpoints"):
        status_of(folder)
    assert not verify(folder).sound


def test_damaged_results_are_made_again(folder: Path) -> None:
    (folder / "generator.safetensors").write_text("")
    (folder / "results.json").write_text(json.dumps({"schema": 1}))
    record = read_record(folder)
    assert record.results is None and "results.json does not hold" in record.problems[0]
    config = (folder / "config.yaml").read_text().replace("command: search", "command: run")
    (folder / "config.yaml").write_text(config)
    assert "evaluate" in status_of(folder).left


def test_a_description_that_cannot_be_used_is_told(folder: Path) -> None:
    config = folder / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace("seed: 0", "seed: soon", 1))
    record = read_record(folder)
    assert record.settings is None and "seed" in record.problems[0]
    assert record.setting("seed") == "soon"
    for damaged in ("settings: [", "- 1"):
        config.write_text(damaged)
        assert any("config.yaml" in problem for problem in verify(folder).problems)
        with pytest.raises(UserError):
            read_record(folder)
