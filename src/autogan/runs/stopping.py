"""How a run is asked to stop, by a signal or a time limit, and how it answers: between two steps.

Where work goes in steps, a request waits for the end of the step, so that the state is whole and can
be kept. Where it does not (loading data, scoring), work is given up at once and done again later.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from autogan.basics.errors import UserError

LONGEST_STEP_SECONDS = 7.0
"""A step that takes longer after a request is given up; the latest checkpoint stays."""

TIME_LIMIT = "the time limit"


class Stopped(BaseException):
    """The work ends here because it was asked to; like KeyboardInterrupt no error, so no Exception.

    reason: a signal's name, or TIME_LIMIT. state_is_whole: whether the state can be kept.
    """

    def __init__(self, reason: str, state_is_whole: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.state_is_whole = state_is_whole

    @property
    def exit_code(self) -> int:
        """0 after a time limit; else 128 and the signal's number, as shells have it."""
        return 0 if self.reason == TIME_LIMIT else 128 + signal.Signals[self.reason]


class Stopping:
    """Whether the work of a run was asked to stop.

    Nothing asks by itself: `listening` makes signals and a time limit ask.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._agree: Callable[[str | None], str | None] | None = None
        self._waits = False  # whether a request waits for the next `check`
        self._raised_anywhere = False  # whether it was raised in the middle of something
        self._terminals: list[int] = []  # which of the standard outputs were one

    def check(self) -> None:
        """To be called between two steps; raises `Stopped` if asked to."""
        if self._agree is not None:
            self.reason = self._agree(self.reason)
        if self.reason is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)  # keeping the state may take its time
            raise Stopped(self.reason, state_is_whole=True)

    @contextmanager
    def in_steps(self) -> Iterator[None]:
        """Inside, a request waits for the next `check`."""
        before, self._waits = self._waits, True
        try:
            yield
        finally:
            self._waits = before

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside `in_steps`: what can be given up anywhere, and leaves the state whole then.

        Not `together`: no process may leave the others in the middle of a step.
        """
        if self._agree is not None:
            yield
            return
        before, self._waits = self._waits, False
        try:
            self.check()
            yield
        finally:
            self._waits = before

    @contextmanager
    def together(self, agree: Callable[[str | None], str | None]) -> Iterator[None]:
        """Inside, several processes stop after the same step: each `check` asks what all agree on.

        agree: from a process's own reason to one for all; called by all of them equally often.
        """
        self._agree = agree
        try:
            yield
        finally:
            self._agree = None

    @contextmanager
    def listening(self, time_limit_seconds: float | None = None) -> Iterator[None]:
        """Inside, SIGINT, SIGTERM, SIGHUP and the time limit ask.

        A second SIGINT or SIGTERM ends the process at once; a second SIGHUP does not, because a
        terminal that is closed often sends two. Where SIGHUP is ignored (`nohup`), it stays so.
        """
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGALRM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        self._terminals = [handle for handle in (1, 2) if os.isatty(handle)]
        handlers = {number: signal.signal(number, self._signalled) for number in numbers}
        timer = signal.setitimer(signal.ITIMER_REAL, time_limit_seconds or 0)
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            # A library that is stopped in its middle may make an error of its own of that.
            if self._raised_anywhere and self.reason is not None:
                raise Stopped(self.reason, state_is_whole=False) from error
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, *timer)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGALRM and self.reason is not None:
            self._raised_anywhere = True
            raise Stopped(self.reason, state_is_whole=False)  # the step takes too long
        self.reason = TIME_LIMIT if number == signal.SIGALRM else signal.Signals(number).name
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if number == signal.SIGHUP:
            self._leave_closed_terminals()
        # Where processes agree on a stop, they do so between two steps.
        if self._waits or self._agree is not None:
            signal.setitimer(signal.ITIMER_REAL, LONGEST_STEP_SECONDS)
        else:
            self._raised_anywhere = True
            self.check()

    def _leave_closed_terminals(self) -> None:
        """What is said goes nowhere from here on: writing to a closed terminal is an error, and the
        state is still to be kept."""
        for handle in self._terminals:
            if not os.isatty(handle):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, handle)
                os.close(nowhere)
