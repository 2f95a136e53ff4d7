"""Progress as it is shown: plain lines where output is piped, each told once."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from autogan.progress import terminal
from autogan.progress.base import Cost
from autogan.progress.terminal import PLAIN_LINE_EVERY_SECONDS, TerminalProgress, results_table

STEP = Cost("training", calls=2, work=1e9, images=32)


class Time:
    """Stands in for the module `time`; passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    time = Time()
    monkeypatch.setattr(terminal, "time", time)
    monkeypatch.setattr("autogan.progress.eta.time.monotonic", time.monotonic)
    yield time


def test_piped_progress_is_a_few_plain_lines(time: Time) -> None:
    out = io.StringIO()
    with TerminalProgress(Console(file=out, width=60), "run") as progress:
        progress.plan({"search": [100 * STEP], "train": [100 * STEP]})
        progress.start("search")
        for step in range(100):
            time.now += 0.5
            progress.status(f"step {step}")
            progress.metric("reward", step % 7)
            progress.advance(STEP)
        progress.note("Stage 2 begins")
        progress.start("train")
    lines = out.getvalue().splitlines()
    assert len(lines) == len(set(lines)) == 1 + int(50 // PLAIN_LINE_EVERY_SECONDS) + 1 + 1
    assert lines[0].split(" | ")[1] == "search" and lines[-2] == "Stage 2 begins"
    assert lines[-1].split(" | ")[:2] == [" 50%", "train"]
    middle = lines[1].split(" | ")
    assert middle[2].startswith("step ") and "best reward 6.000" in middle[3]
    assert 60 <= int(middle[4].removesuffix(" images/s")) <= 64  # 32 in each half second
    assert "\x1b" not in out.getvalue()


def test_the_speed_is_that_of_the_latest_seconds(time: Time) -> None:
    progress = TerminalProgress(Console(file=io.StringIO()), "run")
    progress.plan({"train": [1000 * STEP]})
    progress.start("train")
    for seconds in [1.0] * 30 + [0.25] * 60:
        time.now += seconds
        progress.advance(STEP)
    assert progress._speed_text() == "128 images/s"
    time.now += terminal.SPEED_OVER_SECONDS + 1
    assert progress._speed_text() == ""


def test_a_terminal_shows_one_display_that_goes_away(time: Time) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    with TerminalProgress(console, "run") as progress:
        progress.plan({"train": [10 * STEP]})
        progress.start("train")
        time.now += 1
        progress.advance(5 * STEP)
        progress._live.refresh()
        progress.note("half of it")
    text = out.getvalue()
    assert " 50%" in text and "train" in text
    assert text.count("half of it\n") == 1
    assert "\x1b[2K" in text.rsplit("50%", 1)[1]  # its lines are erased at the end


@pytest.mark.parametrize(
    ("architecture", "vector"),
    [("pre-none-nearest", "Authors' vector: [0]"), ("modern:pre-none-nearest", "Vector: [0]")],
)
def test_results_name_data_as_it_is_and_the_vector_of_its_space(
    architecture: str, vector: str
) -> None:
    """A data set may be called like rich's markup."""
    results = {
        "judge": {"name": "domain"},
        "data": {"name": "folder:a [/x] [b]"},
        "protocol": {"name": "quick"},
        "architecture": architecture,
        "vector": [0],
        "parameters": 1,
        "multiply_accumulates": 10**6,
        "image_size": 8,
    }
    stream = io.StringIO()
    Console(file=stream, width=120).print(results_table(results))
    shown = stream.getvalue()
    assert "folder:a [/x] [b], protocol quick" in " ".join(
        shown.split()
    )  # in lines as wide as the table
    assert any(line.strip() == vector for line in shown.splitlines())
