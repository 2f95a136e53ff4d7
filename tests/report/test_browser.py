"""The page in a real browser: nothing is fetched, nothing complains, nothing sticks out."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autogan.report.page import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

SECTIONS = "[...document.querySelectorAll('section[id]')].map(s => [s.id, s.offsetHeight > 100])"
STICKS_OUT = "document.documentElement.scrollWidth - window.innerWidth"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
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


def test_the_page_opens_without_requests_or_complaints(
    browser: Browser, make_run: Callable[..., Path]
) -> None:
    page = write_report(make_run()).resolve().as_uri()
    backgrounds = set()
    for scheme, width in (("light", 1280), ("dark", 400)):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.call("Emulation.setEmulatedMedia", features=[feature])
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        browser.events.clear()
        browser.open(page)
        sections = [[name, True] for name in ("images", "quality", "found", "search", "cost")]
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
