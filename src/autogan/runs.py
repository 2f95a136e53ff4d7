"""A run is a folder, and everything later reads only the folder (docs/run-folder.md).

config.yaml         resolved settings and what they ran on, written before the first step
log.jsonl           one JSON object a line: losses, children, stages, resets
tensorboard/        the same figures as curves
checkpoints/        the latest states, two of each part
"""

import contextlib
import json
import platform
import shutil
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import yaml

from autogan.config import Settings, settings_from_tree
from autogan.errors import UserError
from autogan.storage import load_tree, save_tree, write_json, write_text

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

KEPT_CHECKPOINTS = 2


def package_version() -> str:
    """The installed version of autogan-nas, or "source" where it runs uninstalled."""
    try:
        return version("autogan-nas")
    except PackageNotFoundError:
        return "source"


def _commit() -> str | None:
    """The commit of the source checkout this package runs from, if it runs from one."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # no git on this machine: the version alone names the code
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def environment() -> dict[str, Any]:
    """Versions, commit and machine, as every run describes itself."""
    import torch

    return {
        "autogan": package_version(),
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


class Run:
    """An open run folder: its settings, its log, its checkpoints.

    Made by `Run.create` (a new folder) or `Run.resume` (one that holds a run).
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self._log: IO[str] = (folder / "log.jsonl").open("a", encoding="utf-8")
        self._tensorboard: SummaryWriter | None = None
        self._opened = time.monotonic()

    @classmethod
    def create(cls, folder: Path, settings: Settings) -> Self:
        """Makes the folder and writes config.yaml; refuses a folder that already holds something."""
        refuse_used_folder(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"Cannot make the run folder {folder}: {error.strerror}.") from None
        described = {"settings": settings.model_dump(mode="json"), "environment": environment()}
        write_text(folder / "config.yaml", yaml.safe_dump(described, sort_keys=False))
        return cls(folder, settings)

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Opens a folder that holds a run, as its latest checkpoint or milestone left it.

        Settings come from its config.yaml; lines logged after that point are taken out of the log,
        because what they tell of is done again.
        """
        run = cls(folder, read_settings(folder))
        run._log.truncate(run._known_log_bytes())
        run._log.seek(0, 2)
        return run

    def log(self, event: str, **fields: Any) -> None:
        """Appends one line to log.jsonl, with the seconds since the run was opened."""
        seconds = round(time.monotonic() - self._opened, 3)
        self._log.write(json.dumps({"event": event, "seconds": seconds, **fields}) + "\n")
        self._log.flush()

    def curve(self, name: str, value: float, step: int) -> None:
        """Adds one point to a TensorBoard curve."""
        if self._tensorboard is None:
            from torch.utils.tensorboard import SummaryWriter  # takes a second: only when used

            self._tensorboard = SummaryWriter(str(self.folder / "tensorboard"))
        self._tensorboard.add_scalar(name, value, step)

    def save_checkpoint(self, part: str, number: int, state: dict[str, Any]) -> None:
        """Stores a state of `part`; `number` counts up within the part."""
        save_tree(self._checkpoint(part, number), state)
        self.mark_log()
        for old in self._checkpoints(part)[:-KEPT_CHECKPOINTS]:
            old.unlink()

    def load_checkpoint(self, part: str) -> dict[str, Any] | None:
        """The latest state of `part`, or None."""
        saved = self._checkpoints(part)
        return load_tree(saved[-1]) if saved else None

    def has_ended(self, part: str, number: int) -> bool:
        """Whether the state with this number, the last of its part, is there."""
        return self._checkpoint(part, number).exists()

    def mark_log(self) -> None:
        """What is logged so far belongs to a state that is kept."""
        write_json(self.folder / "checkpoints" / "log.json", {"bytes": self._log.tell()})

    def _known_log_bytes(self) -> int:
        mark = read_json(self.folder / "checkpoints" / "log.json")
        return int(mark["bytes"]) if mark else 0

    def drop_checkpoints(self, part: str) -> None:
        """Removes the states of a part that has ended and whose result stands elsewhere."""
        for file in self._checkpoints(part):
            file.unlink()

    def _checkpoint(self, part: str, number: int) -> Path:
        return self.folder / "checkpoints" / f"{part}-{number:08d}.safetensors"

    def _checkpoints(self, part: str) -> list[Path]:
        return sorted((self.folder / "checkpoints").glob(f"{part}-????????.safetensors"))

    def write(self, name: str, value: Any) -> None:
        """Writes a JSON file of the folder, whole or not at all."""
        write_json(self.folder / name, value)

    def read(self, name: str) -> Any:
        """The content of a JSON file of the folder, or None where there is none yet."""
        return read_json(self.folder / name)

    def discard(self) -> None:
        """Removes a run that ended before it did anything, so that its folder is free again."""
        if (self.folder / "checkpoints").exists():
            return
        for name in ("config.yaml", "log.jsonl", "timings.json"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "tensorboard", ignore_errors=True)
        with contextlib.suppress(OSError):  # something else lies in it: not ours to remove
            self.folder.rmdir()

    def close(self) -> None:
        """Flushes and closes log and curves."""
        self._log.close()
        if self._tensorboard is not None:
            self._tensorboard.close()


def refuse_used_folder(folder: Path) -> None:
    """Raises `UserError` where an output folder is not free: nothing is ever overwritten."""
    if (folder / "config.yaml").exists():
        raise UserError(
            f"{folder} already holds a run. Choose another --out, or go on with that one: --resume."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists and is not an empty folder. Choose another --out.")


def read_settings(folder: Path) -> Settings:
    """The settings that a run folder was made with."""
    config = folder / "config.yaml"
    if not config.is_file():
        raise UserError(f"{folder} holds no run: there is no config.yaml in it.")
    tree = yaml.safe_load(config.read_text(encoding="utf-8"))
    return settings_from_tree(tree["settings"])


def read_json(path: Path) -> Any:
    """The content of a JSON file, or None where there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
