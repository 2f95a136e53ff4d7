"""What cannot be written, or is written wrongly: what was kept before stays, and is gone on with."""

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from autogan.files import storage
from autogan.files.storage import DamagedFile, check_tree, load_tree, save_tree, write_text
from autogan.runs.events import WeightsReset
from autogan.runs.folder import Run
from autogan.runs.machine_errors import MachineError, explained
from autogan.settings.loading import load_settings

STATE = {"weights": torch.arange(1000.0), "step": 7}


class PowerCut(BaseException):
    """The process ends here."""


def failing(code: int) -> Callable[..., Any]:
    def fail(*arguments: Any, **named: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


def half_written(and_then: Callable[[], None]) -> Callable[..., Any]:
    """A `save_file` that writes half of the file."""
    whole = storage.save_file

    def half(tensors: Any, path: Path, metadata: Any) -> None:
        whole(tensors, path, metadata=metadata)
        os.truncate(path, path.stat().st_size // 2)
        and_then()

    return half


def no_space() -> None:
    raise SafetensorError("Error while serializing: I/O error: No space left (os error 28)")


def power_cut(*arguments: Any, **named: Any) -> Any:
    raise PowerCut


FAULTS: dict[str, tuple[str, Any]] = {
    "the disk is full": ("autogan.files.storage.save_file", half_written(no_space)),
    "the disk is full at the flush": ("os.fsync", failing(errno.ENOSPC)),
    "the disk fails": ("os.fsync", failing(errno.EIO)),
    "the folder is read-only": ("pathlib.Path.replace", failing(errno.EROFS)),
    "no quota is left": ("pathlib.Path.mkdir", failing(errno.EDQUOT)),
    "the power goes while it is written": (
        "autogan.files.storage.save_file",
        half_written(power_cut),
    ),
    "the power goes before the flush": ("os.fsync", power_cut),
    "the power goes before the renaming": ("pathlib.Path.replace", power_cut),
    "the power goes after the renaming": ("autogan.files.storage.flush_folder", power_cut),
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has kept one state, and has logged up to it."""
    run = Run.create(tmp_path / "run", load_settings())
    run.journal.log(WeightsReset(0, 0))
    run.checkpoints.save("search", STATE, {"iteration": 1})
    run.journal.log(WeightsReset(1, 0))
    return run


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_write_leaves_the_last_good_state(
    run: Run, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    target, replacement = FAULTS[fault]
    newer = {"weights": torch.ones(1000), "step": 8}
    with monkeypatch.context() as patch:
        patch.setattr(target, replacement)
        with (
            pytest.raises((MachineError, PowerCut)) as raised,
            explained(run.folder, "autogan again"),
        ):
            run.checkpoints.save("search", newer, {"iteration": 2})
    if raised.type is MachineError:
        assert "Then go on with: autogan again" in str(raised.value)
        assert len(str(raised.value)) > 100
    run.close()
    again = Run.resume(run.folder)
    state = again.checkpoints.load("search")
    assert state is not None
    expected = newer if fault == "the power goes after the renaming" else STATE
    assert torch.equal(state["weights"], expected["weights"])
    lines = 2 if expected is newer else 1
    assert len((run.folder / "log.jsonl").read_text().splitlines()) == lines
    again.checkpoints.save("search", newer)  # the disk has space again
    again.close()
    assert not list(run.folder.rglob("*.tmp"))


def test_a_short_write_that_nothing_reported_is_noticed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("autogan.files.storage.save_file", half_written(lambda: None))
        run.checkpoints.save("search", {"weights": torch.ones(1000), "step": 8})
    run.close()
    with pytest.warns(UserWarning, match="set aside"):
        again = Run.resume(run.folder)
    assert again.checkpoints.load("search")["step"] == 7  # type: ignore[index]
    assert len((run.folder / "log.jsonl").read_text().splitlines()) == 1
    again.close()


def test_a_log_that_cannot_be_written_is_no_gap_later(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A log's file on a disk that takes ten more bytes."""

        def __init__(self, file: Any) -> None:
            self.file, self.left = file, 10

        def write(self, text: bytes) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = self.file.write(text[: self.left])
            self.left = 0
            return int(written)

        def close(self) -> None:
            self.file.close()

    run.journal._file = Full(run.journal._file)  # type: ignore[assignment]
    with pytest.raises(MachineError, match="Free space"), explained(run.folder, "again"):
        run.journal.log(WeightsReset(2, 0))
    run.close()
    again = Run.resume(run.folder)
    again.journal.log(WeightsReset(1, 0))
    again.close()
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    assert len(lines) == 2 and all(line.endswith("}") for line in lines)


def test_flipped_bits_are_noticed_or_harmless(tmp_path: Path, torture: bool, record: Any) -> None:
    file = tmp_path / "state.safetensors"
    tree = {"a": torch.rand(50), "b": [1, "two", {"c": torch.rand(3).bfloat16()}]}
    save_tree(file, tree, {"position": {"step": 3}})
    content = file.read_bytes()
    places = random.Random(1)
    noticed = 0
    trials = 2000 if torture else 150
    for _ in range(trials):
        damaged = bytearray(content)
        damaged[places.randrange(len(content))] ^= 1 << places.randrange(8)
        file.write_bytes(damaged)
        try:
            check_tree(file)
        except DamagedFile:
            noticed += 1
            continue
        loaded = load_tree(file)
        assert torch.equal(loaded["a"], tree["a"]) and loaded["b"][:2] == tree["b"][:2]
    assert noticed > 0.9 * trials
    record("flipped bit in a checkpoint", trials, f"{noticed} noticed, the others changed nothing")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "Free space on the disk of {place}."),
        (errno.EACCES, "Make {place} writable again."),
        (errno.EIO, "copy {place} to another one."),
    ],
)
def test_advice_is_about_the_disk_that_failed(
    code: int, advice: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not about the run's, where the cache is on another one."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr("os.fsync", failing(code))
    with pytest.raises(MachineError) as raised, explained(run.folder, "again"):
        write_text(cache / "judge.txt", "x")
    assert f"{cache / 'judge.txt'} could not be written" in str(raised.value)
    assert advice.format(place=cache) in str(raised.value)
    with pytest.raises(MachineError) as raised, explained(run.folder, "again"):
        run.write("data.json", {})
    assert f" {run.folder}" in str(raised.value).split("could not be written")[1]
    run.close()


def test_memory_that_is_used_up_is_explained(tmp_path: Path) -> None:
    for error, word in (
        (torch.OutOfMemoryError("CUDA out of memory"), "search.discriminator_batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "train"),
        (MemoryError(), "memory of this machine"),
    ):
        with pytest.raises(MachineError, match=word), explained(tmp_path, "again"):
            raise error
    with pytest.raises(RuntimeError, match="shapes"), explained(tmp_path, "again"):
        raise RuntimeError("shapes differ")
