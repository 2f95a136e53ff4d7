"""Which settings a run may go on with."""

import copy
from typing import Any

import pytest

from autogan.basics.errors import UserError
from autogan.settings.loading import load_settings
from autogan.settings.resume_rules import MAY_CHANGE, refuse_changes


@pytest.fixture
def before() -> dict[str, Any]:
    return load_settings("demo").model_dump(mode="json")


def test_harmless_ones_may_change(before: dict[str, Any]) -> None:
    overrides = ["log_every_steps=3", "checkpoint_every_minutes=0.5"]
    overrides += ["compute.device=cpu", "compute.capture=none", "search.scorers=2"]
    assert {override.partition("=")[0] for override in overrides} == set(MAY_CHANGE)
    refuse_changes(before, load_settings("demo", overrides=overrides), "The run")


def test_all_others_are_named_with_both_values(before: dict[str, Any]) -> None:
    changed = ["seed=4", "search.controller.hidden_size=7", "train.generator_channels=[8,8,4]"]
    with pytest.raises(UserError) as refusal:
        refuse_changes(before, load_settings("demo", overrides=changed), "The run in r")
    message = str(refusal.value)
    assert message.startswith("The run in r was made with other settings")
    assert "seed: 0 before, 4 now" in message
    assert "search.controller.hidden_size: 100 before, 7 now" in message
    assert "train.generator_channels: 24 before, [8, 8, 4] now" in message


def test_settings_that_an_older_version_did_not_know_have_their_defaults(
    before: dict[str, Any],
) -> None:
    older = copy.deepcopy(before)
    del older["compute"]["capture"], older["judge"]["shift"], older["checkpoint_every_minutes"]
    refuse_changes(older, load_settings("demo"), "The run")
    with pytest.raises(UserError, match=r"judge\.shift: 2 before, 3 now"):
        refuse_changes(older, load_settings("demo", overrides=["judge.shift=3"]), "The run")
