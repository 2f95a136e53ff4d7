"""The page in a real browser: nothing is fetched, nothing complains, nothing sticks out."""

import fcntl
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autogan.files.pictures import save_picture
from autogan.report.page import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed; Debian has one: apt-get install chromium"
)

DATA = Path(__file__).parents[1] / "data"
SECTIONS = "[...document.querySelectorAll('section[id]')].map(s => [s.id, s.offsetHeight > 100])"
STICKS_OUT = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUTSIDE_CARDS = """(() => {
  const inside = (e, box) => e.getBoundingClientRect().right <= box.getBoundingClientRect().right + 1;
  return [...document.querySelectorAll('.card *, .tiles *, .notice *, pre, .settings *')]
    .filter(e => !e.closest('svg *') && !(e.parentElement.closest('.scroll')))
    .filter(e => !inside(e, e.closest('.card, .tiles div, .notice, body')))
    .map(e => e.outerHTML.slice(0, 200));
})()"""
"""What is wider than the card that it lies in, unless it scrolls there."""
BLOWN_UP = """[...document.querySelectorAll('.scroll > svg')].map(e => [
  e.getAttribute('class'), e.getBoundingClientRect().width / e.viewBox.baseVal.width])"""
"""How much drawings are enlarged."""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
ORDER = ("images", "quality", "found", "search", "training", "cost")
PICTURES = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"


class Browser:
    """Headless Chromium, driven over its debugging pipe (file descriptors 3 and 4)."""

    def __init__(self, profile: Path) -> None:
        (from_us, self._to), (self._from, to_us) = map(_high_pipe, (0, 1))

        def connect() -> None:
            os.dup2(from_us, 3)
            os.dup2(to_us, 4)

        assert CHROMIUM is not None
        self._process = subprocess.Popen(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
            ],
            preexec_fn=connect,
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(from_us)
        os.close(to_us)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; what happens meanwhile goes to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, address: str) -> None:
        """Loads a page and waits until it is complete."""
        self.call("Page.navigate", url=address)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """What an expression is in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"]["value"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            read = os.read(self._from, 1 << 16)
            assert read, "Chromium ended"
            self._buffer += read
        message, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(message))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)


def _high_pipe(_: int) -> tuple[int, int]:
    """A pipe on descriptors above those that Chromium wants for itself."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in low)
    for end in low:
        os.close(end)
    return high[0], high[1]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.close()


def show(browser: Browser, address: str, scheme: str, width: int) -> None:
    """Opens a page in a window of this width."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.call("Emulation.setEmulatedMedia", features=[feature])
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=900, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    browser.events.clear()
    browser.open(address)


def test_the_page_opens_without_requests_or_complaints(
    browser: Browser, make_run: Callable[..., Path]
) -> None:
    page = write_report(make_run()).resolve().as_uri()
    backgrounds = set()
    for scheme, width in (("light", 1280), ("dark", 400)):
        show(browser, page, scheme, width)
        sections = [[name, True] for name in ORDER]
        assert browser.value(SECTIONS) == sections
        assert browser.value(PICTURES) is True
        assert browser.value(STICKS_OUT) <= 0
        backgrounds.add(browser.value(BACKGROUND))
        asked = [
            event["params"]["request"]["url"]
            for event in browser.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
        assert [url for url in asked if not url.startswith("data:")] == [page]
        complaints = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        assert not [event for event in browser.events if event.get("method") in complaints]
    assert len(backgrounds) == 2


@pytest.mark.parametrize("kind", ["finished", "one stage", "searching", "of 0.1.0", "kinds"])
def test_nothing_sticks_out_at_any_width(
    browser: Browser,
    make_run: Callable[..., Path],
    results: dict[str, Any],
    kind: str,
    tmp_path: Path,
) -> None:
    if kind == "of 0.1.0":
        with tarfile.open(DATA / "run-0.1.0" / "run.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
        folder = tmp_path / "run-0.1.0"
    elif kind == "one stage":
        folder = make_run(until="searched")
        beams = json.loads((folder / "architectures.json").read_text())
        assert len(beams["stages"]) == 1 and not beams["ranking"]
    elif kind == "kinds":
        results["modes"] = {
            "modes": [
                {
                    "class_name": "x" * 60,
                    "generated": 0,
                    "real": 0.1,
                    "missing": True,
                    "examples": [],
                }
            ],
            "clustered_images": 1800,
            "generated_images": 600,
            "held_out_images": 200,
        }
        folder = make_run(content=results)
        file = folder / "pictures" / "missing" / "0.png"
        file.parent.mkdir()
        save_picture(file, torch.full((3, 66, 530), 90, dtype=torch.uint8))
    else:
        folder = make_run(until=kind)
    page = write_report(folder).resolve().as_uri()
    for scheme in ("light", "dark"):
        for width in (390, 768, 1280):
            show(browser, page, scheme, width)
            assert browser.value(STICKS_OUT) <= 0, (scheme, width)
            assert browser.value(OUTSIDE_CARDS) == [], (scheme, width)
            enlarged = dict(browser.value(BLOWN_UP))
            assert enlarged.get("tree", 1.0) <= 1.001, (scheme, width)
