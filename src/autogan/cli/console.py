"""The one place where the command line prints: what comes from outside is made visible there.

Names of files, folders and classes are whatever their owner chose. Raw, an escape sequence in one
rewrites what a terminal shows; a line break in one forges a line of ours.
"""

import io
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from autogan.basics.formatting import shown_text

NARROW_COLUMNS = 60
"""In a terminal with fewer, tables whose words do not fit are shown as blocks."""
_UNBOUNDED_COLUMNS = 10_000


class ShownConsole(Console):
    """A console that escapes control characters in all texts, also in tables and live displays.

    The later lines of a message are indented, so that none looks like a message of its own. Where a
    table would break words because the terminal is narrow, its rows are shown one below the other.
    """

    def print(self, *objects: Any, **named: Any) -> None:
        """As `Console.print`."""
        super().print(*(_message(o) if isinstance(o, str) else o for o in objects), **named)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As `Console.render`."""
        options = options or self.options
        narrow = options.max_width < NARROW_COLUMNS
        if narrow and isinstance(renderable, Table) and renderable.show_header:
            unbounded = options.update(max_width=_UNBOUNDED_COLUMNS)
            if Measurement.get(self, unbounded, renderable).minimum > options.max_width:
                renderable = _as_records(renderable)
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = "\n".join(map(shown_text, segment.text.split("\n")))
                yield Segment(text, segment.style)


notes = ShownConsole(stderr=True)
"""Progress and messages; results alone go to standard output."""
tables = ShownConsole()
"""Results that are more than lines."""


def say(line: str, end: str = "\n") -> None:
    """Prints one line of results."""
    print(shown_text(line), end=end)


def say_named(texts: dict[str, str]) -> None:
    """Prints a line for each name and its text; in a narrow terminal the text below its name."""
    width = max(map(len, texts))
    for name, text in texts.items():
        if tables.width < NARROW_COLUMNS:
            say(name)
            say_lines(textwrap.indent(textwrap.fill(text, max(tables.width - 2, 10)), "  "))
        else:
            say(f"{name:<{width}}  {text}")


def say_lines(text: str) -> None:
    """Prints lines of results, such as a diagram or YAML, that end as they are."""
    for line in text.removesuffix("\n").split("\n"):
        say(line)


def replace_unshowable() -> None:
    """From now on what an output cannot show, such as × in an ASCII one, is replaced there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _as_records(table: Table) -> RenderableType:
    """The rows of a table one below the other, each value under the name of its column."""
    blocks: list[RenderableType] = []
    if table.title:
        blocks.append(table.title)
    columns = [(column.header, list(column.cells)) for column in table.columns]
    for row in range(table.row_count):
        blocks.append("")
        for header, cells in columns:
            if plain := _plain(cells[row]):
                named = _plain(header)
                blocks.append(Text(f"{named}: {plain}" if named else plain))
    return Group(*blocks)


def _plain(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain


def _message(text: str) -> str:
    return "\n  ".join(map(shown_text, text.split("\n")))
