"""Running commands in this process, as the program does."""

from collections.abc import Callable

import pytest
from commands import Answer
from commands import autogan as run


@pytest.fixture(scope="session")
def autogan() -> Callable[..., Answer]:
    """Runs a command, however it ends."""
    return run


@pytest.fixture(scope="session")
def done() -> Callable[..., Answer]:
    """Runs a command that must succeed."""

    def done(*arguments: object) -> Answer:
        answer = run(*arguments)
        assert answer.code == 0, answer.err
        return answer

    return done


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Runs a command that must be refused as a user's mistake; what it said."""

    def refused(*arguments: object) -> str:
        answer = run(*arguments)
        assert answer.code == 2, answer
        assert answer.out == "" and "Traceback" not in answer.err
        return answer.err

    return refused
