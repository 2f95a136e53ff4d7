"""The one place where the command line prints: what comes from outside is made visible there.

Names of files, folders and classes are whatever their owner chose. Raw, an escape sequence in one
rewrites what a terminal shows; a line break in one forges a line of ours.
"""

import io
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from autogan.basics.formatting import shown_text


class ShownConsole(Console):
    """A console that escapes control characters in all texts, also in tables and live displays.

    The later lines of a message are indented, so that none looks like a message of its own.
    """

    def print(self, *objects: Any, **named: Any) -> None:
        """As `Console.print`."""
        super().print(*(_message(o) if isinstance(o, str) else o for o in objects), **named)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As `Console.render`."""
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


def replace_unshowable() -> None:
    """From now on what an output cannot show, such as × in an ASCII one, is replaced there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _message(text: str) -> str:
    return "\n  ".join(map(shown_text, text.split("\n")))
