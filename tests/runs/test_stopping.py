"""Requests to stop: signals, time limits, and where they are heard."""

import os
import signal
import time

import pytest

from autogan.basics.errors import UserError
from autogan.runs.stopping import TIME_LIMIT, Stopped, Stopping


def test_between_steps_a_request_waits_and_elsewhere_it_does_not() -> None:
    stopping = Stopping()
    with stopping.listening(), stopping.in_steps():
        stopping.check()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)  # the step goes on
        with pytest.raises(Stopped) as stopped:
            stopping.check()
    assert stopped.value.state_is_whole and stopped.value.exit_code == 143
    stopping = Stopping()
    with stopping.listening(), pytest.raises(Stopped) as stopped:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    assert stopped.value.exit_code == 130


def test_what_processes_agree_on_waits_for_all_of_them() -> None:
    """Also outside of steps, as while a checkpoint is read: the others may be in a step already."""
    asked: list[str | None] = []

    def agree(reason: str | None) -> str | None:
        asked.append(reason)
        return reason

    stopping = Stopping()
    with stopping.listening(), stopping.together(agree):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        assert not asked
        with pytest.raises(Stopped):
            stopping.check()
    assert asked == ["SIGTERM"]


def test_a_closed_terminal_stops_as_sigterm_does_and_may_say_so_twice() -> None:
    stopping = Stopping()
    with stopping.listening(), stopping.in_steps():
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.01)
        with pytest.raises(Stopped) as stopped:
            stopping.check()
    assert stopped.value.state_is_whole and stopped.value.exit_code == 129


def test_nohup_stays() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stopping = Stopping()
        with stopping.listening(), stopping.in_steps():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
            stopping.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_can_be_given_up_is_given_up_at_once() -> None:
    stopping = Stopping()
    with stopping.listening(), stopping.in_steps():
        with pytest.raises(Stopped) as stopped, stopping.at_once():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        assert stopped.value.state_is_whole
        with pytest.raises(Stopped), stopping.at_once():
            raise AssertionError("begun after a request")


def test_a_time_limit_asks_too() -> None:
    stopping = Stopping()
    with stopping.listening(0.02), stopping.in_steps():
        stopping.check()
        time.sleep(0.05)
        with pytest.raises(Stopped) as stopped:
            stopping.check()
    assert stopped.value.reason == TIME_LIMIT and stopped.value.exit_code == 0


def test_a_step_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autogan.runs.stopping.LONGEST_STEP_SECONDS", 0.05)
    stopping = Stopping()
    began = time.monotonic()
    with stopping.listening(), stopping.in_steps(), pytest.raises(Stopped) as stopped:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert not stopped.value.state_is_whole and time.monotonic() - began < 2


def test_after_a_request_the_next_signal_ends_the_process() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopping = Stopping()
    with stopping.listening():
        assert signal.getsignal(signal.SIGTERM) not in (before, signal.SIG_DFL)
        with stopping.in_steps():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_library_that_makes_an_error_of_a_request_does_not_hide_it() -> None:
    stopping = Stopping()
    with pytest.raises(Stopped) as stopped, stopping.listening():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        except BaseException:
            raise ValueError("could not determine the shape") from None
    assert stopped.value.exit_code == 143 and not stopped.value.state_is_whole
    assert isinstance(stopped.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [ValueError("a fault"), UserError("a mistake")])
def test_an_error_of_our_own_stays_one(error: Exception) -> None:
    with pytest.raises(type(error)), Stopping().listening():
        raise error
    stopping = Stopping()
    with pytest.raises(type(error)), stopping.listening(), stopping.in_steps():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)  # a request that waits was raised nowhere
        raise error
