"""YAML of plain values: nothing in it is executed, and nothing in it grows in memory."""

from pathlib import Path
from typing import Any

import yaml

from autogan.basics.errors import UserError
from autogan.files.texts import read_bytes

MOST_BYTES_OF_YAML = 2**16
"""Of a file. Parsing takes seconds for a tenth of a MiB; all settings with comments take 8 KiB."""
MOST_DIGITS = 100
"""Of a whole number. Python refuses to print one of some thousands."""


class _PlainLoader(yaml.SafeLoader):
    """Without aliases, a few of which can stand for more than memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.YAMLError(f"{key.value!r} stands there twice{node.start_mark}")
            seen.update([key.value] if isinstance(key.value, str) else [])
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        number = super().construct_yaml_int(node)
        if abs(number) >= 10**MOST_DIGITS:
            raise ValueError(f"a whole number has too many digits{node.start_mark}")
        return number


_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_yaml_int)


def parse_yaml(text: str) -> Any:
    """The value that YAML stands for; raises `ValueError` that says what is wrong."""
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_yaml(file: Path) -> Any:
    """The value in a YAML file; raises `UserError` where it cannot be read or is no YAML."""
    content = read_bytes(file, MOST_BYTES_OF_YAML)
    try:
        return parse_yaml(content.decode("utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is not valid YAML: {error}") from None
