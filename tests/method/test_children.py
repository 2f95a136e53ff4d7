"""The children of a search: in their order, on the rung of their stage, with those that failed."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tiny import Listening

from autogan.basics.errors import Diverged
from autogan.method.children import Children
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Rung, State

SMALL = [Architecture.parse(text) for text in ("pre-none-nearest", "post-batch-bilinear")]
LARGE = [Architecture.parse(f"{small}/pre-batch-nearest+skip0") for small in SMALL]
FAILS = {SMALL[1], LARGE[0]}


def children(spoilt: bool = False) -> Children:
    """Those in FAILS cannot be scored; spoilt: because the shared weights are no finite numbers."""

    def score(architecture: Architecture) -> float:
        if architecture in FAILS:
            raise FloatingPointError("its reward is nan")
        return float(len(str(architecture)))

    def refuse_non_finite() -> None:
        if spoilt:
            raise Diverged("The weights are no finite numbers.")

    scorer = SimpleNamespace(score=score, seconds=0.5)
    gan = SimpleNamespace(refuse_non_finite=refuse_non_finite)
    journal = SimpleNamespace(log=lambda event: None)
    given = cast(Any, (scorer, gan, 7, journal, Listening()))
    return Children(*given)


def scored() -> Children:
    made = children()
    for stage, architectures in enumerate((SMALL, LARGE)):
        for architecture in architectures:
            made.score(architecture, stage, stage + 2, "controller")
    return made


def test_a_child_is_observed_on_the_rung_of_its_stage() -> None:
    made = scored()
    seen = [(o.architecture, o.rung, o.seed, o.values, o.state) for o in made.observations]
    assert seen == [
        (SMALL[0], Rung(0), 7, (16.0,), State.COMPLETE),
        (SMALL[1], Rung(0), 7, (), State.FAILED),
        (LARGE[0], Rung(1), 7, (), State.FAILED),
        (LARGE[1], Rung(1), 7, (float(len(str(LARGE[1]))),), State.COMPLETE),
    ]
    assert [(c.architecture, c.stage, c.iteration) for c in made.history] == [
        (SMALL[0], 0, 2),
        (LARGE[1], 1, 3),
    ]


def test_what_is_restored_are_the_same_observations_in_the_same_order() -> None:
    made, restored = scored(), children()
    restored.load_state_dict(made.state_dict())
    assert restored.observations == made.observations and restored.history == made.history
    assert restored.failures == made.failures and len(made.failures) == 2


def test_weights_that_are_no_finite_numbers_are_no_fault_of_the_child() -> None:
    made = children(spoilt=True)
    assert made.score(SMALL[0], 0, 0, "controller") is not None
    with pytest.raises(Diverged):
        made.score(SMALL[1], 0, 0, "controller")
    assert len(made.observations) == 1
