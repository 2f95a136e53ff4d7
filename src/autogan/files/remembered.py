"""What was measured on a machine, kept in one small JSON file of the cache until it is measured anew."""

import json
import warnings
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from autogan.basics.errors import UserError
from autogan.files.texts import read_text

T = TypeVar("T")
MOST_ENTRIES = 100


class Remembered:
    """Values by key, the newest `MOST_ENTRIES` of them; whole or not there at all.

    Losing it costs only a new measurement. So what cannot be read or written is named in a warning,
    and is no obstacle.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def recall(self, key: str, kind: type[T]) -> T | None:
        """The value under `key`; None where there is none, or none of that kind."""
        value = self._read().get(key)
        if value is None:
            return None
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError:
            warnings.warn(f"{self._file} is damaged: it is not used.", stacklevel=2)
            return None

    def keep(self, key: str, value: Any) -> None:
        """Puts a value that JSON can hold under `key`."""
        # Needs torch, which whoever has measured something has loaded.
        from autogan.files.storage import make_folder_of, write_json

        values = self._read()
        values.pop(key, None)
        values[key] = value
        try:
            make_folder_of(self._file)
            write_json(self._file, dict(list(values.items())[-MOST_ENTRIES:]))
        except OSError as error:
            warnings.warn(f"{self._file} cannot be written ({error.strerror}).", stacklevel=2)

    def _read(self) -> dict[str, Any]:
        if not self._file.exists():
            return {}
        try:
            values = json.loads(read_text(self._file))
        except (UserError, ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            warnings.warn(f"{self._file} is damaged: it is not used.", stacklevel=3)
            return {}
        return values
