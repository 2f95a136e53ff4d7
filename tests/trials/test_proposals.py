"""What is trained next: a function of the seed and of what the database says, written there at once."""

from pathlib import Path

import pytest
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState
from simulated import settings_with, study_at, without_training, worker_at
from sqlalchemy import event

from autogan.basics.errors import UserError
from autogan.spaces import search_space
from autogan.testing import AdditiveToy
from autogan.trials.proposals import refuse_strategy
from autogan.trials.records import TrialRecord
from autogan.trials.study import Ledger

TOY = AdditiveToy(search_space("autogan", 3), 3)


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    without_training(monkeypatch, lambda architecture, steps: 100 - TOY.value(architecture))


def searched(tmp_path: Path, *overrides: str, interrupted: bool = False) -> list[TrialRecord]:
    """All records; interrupted: by a new worker with a new connection for every trial."""
    settings = settings_with(*overrides)
    address = f"sqlite:///{tmp_path / ('interrupted' if interrupted else 'whole')}.sqlite3"
    worker = worker_at(address, settings, tmp_path)
    if interrupted:
        for _ in range(settings.trials.count):
            worker_at(address, settings, tmp_path)._one()
    worker.work()
    return Ledger(study_at(address, settings)).records()


def proposed(records: list[TrialRecord]) -> list[tuple[int, str]]:
    return [(record.number, str(record.architecture)) for record in records]


@pytest.mark.parametrize("strategy", ["reinforce", "evolution"])
def test_a_search_goes_on_exactly_from_its_database(strategy: str, tmp_path: Path) -> None:
    given = (
        f"search.strategy={strategy}", "search.controller.learning_rate=0.05", "trials.count=14",
        "search.evolution.population=4", "search.evolution.tournament=2",
    )  # fmt: skip
    whole = searched(tmp_path, *given)
    assert proposed(whole) == proposed(searched(tmp_path, *given, interrupted=True))
    assert len({str(record.architecture) for record in whole}) > 7


def test_reinforce_learns_from_the_first_rung(tmp_path: Path) -> None:
    """Its later proposals differ where the first rung's values do, however many went on."""
    given = ("search.strategy=reinforce", "search.controller.learning_rate=0.2", "trials.count=10")
    own = searched(tmp_path, *given)
    with pytest.MonkeyPatch.context() as patch:
        without_training(patch, lambda a, steps: TOY.value(a) if steps == 60 else 100.0)
        (tmp_path / "other").mkdir()
        other = searched(tmp_path / "other", *given, "trials.steps=60")
    assert proposed(own)[0] == proposed(other)[0] and proposed(own) != proposed(other)


def test_all_parameters_are_written_in_one_transaction(tmp_path: Path) -> None:
    address, settings = f"sqlite:///{tmp_path / 'x.sqlite3'}", settings_with("trials.count=2")
    worker = worker_at(address, settings, tmp_path)
    engine = worker._study._storage._backend.engine  # type: ignore[attr-defined]
    done: list[str] = []
    event.listen(engine, "commit", lambda connection: done.append("COMMIT"))
    event.listen(engine, "before_cursor_execute", lambda *given: done.append(str(given[2])))
    worker.work()
    written = [n for n, what in enumerate(done) if what.startswith("INSERT INTO trial_params")]
    assert len(written) == 2 and "COMMIT" in done[written[0] : written[1]]
    trials = study_at(address, settings).get_trials()
    assert [len(trial.params) for trial in trials] == [14, 14]


def test_a_trial_whose_worker_died_before_it_said_anything_is_the_one_it_would_have_been(
    tmp_path: Path,
) -> None:
    given = ("trials.count=4", "search.strategy=random")
    whole = searched(tmp_path, *given)
    settings, address = settings_with(*given), f"sqlite:///{tmp_path / 'died.sqlite3'}"
    worker_at(address, settings, tmp_path)._one()
    study = study_at(address, settings)
    with pytest.warns(UserWarning, match="Heartbeat"):
        died = study.ask()
    study._storage.set_trial_state_values(died._trial_id, TrialState.FAIL)
    RetryHeartbeatStaleTrialCallback(max_retry=3)(study, study.get_trials()[1])
    worker_at(address, settings, tmp_path).work()
    assert proposed(Ledger(study_at(address, settings)).records()) == proposed(whole)


def test_strategies_that_trials_cannot_have_are_refused() -> None:
    with pytest.raises(UserError, match="loss of shared weights"):
        refuse_strategy(settings_with("search.strategy=gradient"))
    several = "trials.goals=[frechet_distance,parameters]"
    with pytest.raises(UserError, match="one goal, not for 2"):
        refuse_strategy(settings_with("search.strategy=reinforce", several))
