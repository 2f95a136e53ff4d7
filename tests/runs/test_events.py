"""Every kind of line in log.jsonl: written by 0.1.0's order, read back as the value it was."""

import json

import pytest

from autogan.runs.events import (
    EVENTS,
    CandidateTrained,
    ChildScored,
    Event,
    Failed,
    Finished,
    Grown,
    IterationEnded,
    Losses,
    RolledBack,
    StrategyUpdate,
    Validated,
    WeightsReset,
    read_event,
)
from autogan.runs.outcomes import Candidate, Child, Validation
from autogan.spaces.architecture import Architecture

ARCHITECTURE = Architecture.parse("pre-batch-nearest/post-none-bilinear+shortcut+skip0")
VALIDATION = Validation(10, None, 9.5, 0.25)
LINES: list[tuple[Event, str]] = [
    (Losses("search", 5, 1.5, -0.5, 1), "part step stage discriminator_loss generator_loss"),
    (Losses("train", 5, 1.5, -0.5), "part step discriminator_loss generator_loss"),
    (
        ChildScored(Child(ARCHITECTURE, 1, 2, "beam", 1.5, 0.1)),
        "architecture stage iteration purpose reward seconds",
    ),
    (
        StrategyUpdate(3, 1, {"reward": 1.5, "entropy/order": 0.5}),
        "iteration step reward entropy/order",
    ),
    (StrategyUpdate(3, 1, {"reward": 1.5}, "discriminator"), "iteration step part reward"),
    (IterationEnded(3, 1, 40), "iteration stage steps"),
    (IterationEnded(3, 1, 40, "discriminator"), "iteration stage steps part"),
    (Grown(3, 1), "iteration stage"),
    (WeightsReset(3, 1), "iteration stage"),
    (
        Failed(ARCHITECTURE, "beam", "nan", 1, 3),
        "architecture stage iteration purpose reason",
    ),
    (
        Failed(ARCHITECTURE, "candidate", "nan", shared_reward=1.5),
        "purpose architecture shared_reward reason",
    ),
    (RolledBack("train", 1, "nan"), "part attempt reason"),
    (
        Validated("train", VALIDATION),
        "part generator_steps inception_score frechet_distance spread",
    ),
    (
        CandidateTrained(Candidate(ARCHITECTURE, 1.5, 10, VALIDATION, "candidates/0.safetensors")),
        "architecture shared_reward generator_steps validation file",
    ),
    (Finished({"images": 4}), "scores"),
]


@pytest.mark.parametrize(("event", "names"), LINES, ids=lambda value: getattr(value, "name", ""))
def test_a_line_is_read_back_as_what_it_was(event: Event, names: str) -> None:
    fields = event.fields()
    assert list(fields) == names.split()
    line = json.loads(json.dumps({"event": event.name, "seconds": 1.0, **fields}))
    assert read_event(line) == event


def test_every_kind_is_tested() -> None:
    assert {type(event) for event, _ in LINES} == set(EVENTS.values())


def test_an_unknown_kind_is_none_and_a_damaged_line_is_refused() -> None:
    assert read_event({"event": "telepathy"}) is None
    for line in ({"event": "grow", "iteration": 1}, {"event": 3}, [1], {}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            read_event(line)
