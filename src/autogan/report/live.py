"""A run's page while the run goes on: redrawn now and then, and never the reason that a run ends."""

import time
import warnings
from pathlib import Path

from autogan.report.page import write_report

SHARE_OF_TIME = 0.01
"""The most of a run's time that redrawing its page may take."""

FIRST_AFTER_SECONDS = 10.0
"""A run that is shorter than this has its page drawn at its end only."""


class LiveReport:
    """Redraws RUN/report.html, rarely enough to cost at most SHARE_OF_TIME of the time that passes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = time.monotonic() + FIRST_AFTER_SECONDS

    def refresh(self) -> None:
        """Redraws the page if enough time has passed since it was drawn last."""
        if time.monotonic() >= self._next:
            self.draw()

    def draw(self) -> None:
        """Redraws the page. A failure becomes one warning with its cause, and the run goes on."""
        began = time.monotonic()
        try:
            write_report(self._folder)
        except Exception as error:  # whatever it is: days of computing must not be lost to a chart
            warnings.warn(
                f"The report of {self._folder} could not be drawn "
                f"({type(error).__name__}: {error}). The run itself is not affected.",
                stacklevel=2,
            )
        ended = time.monotonic()
        self._next = ended + (ended - began) / SHARE_OF_TIME
