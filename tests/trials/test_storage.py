"""Addresses of storages: what opens, what is refused, and that passwords stay where they are."""

import multiprocessing
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._heartbeat import is_heartbeat_enabled

from autogan.basics.errors import UserError
from autogan.trials.storage import (
    address_of_file,
    hidden,
    open_storage,
    place_of_worker,
    refuse_hidden_password,
    refuse_out_of_reach,
    same_database,
    with_whole_path,
)

ADDRESS = "postgresql+psycopg://me:secret@127.0.0.1:{port}/trials"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://me@server/x", "kind 'mysql'"),
        ("no address", "Cannot read the storage's address"),
        ("sqlite://", "in memory"),
        ("sqlite:////nowhere/at/all/x.db", "no folder /nowhere/at/all"),
        ("journal:/nowhere/at/all/x.log", "no folder /nowhere/at/all"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        open_storage(address)


def test_a_file_is_written_ahead_and_has_heartbeats(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'trials.sqlite3'}")
    assert is_heartbeat_enabled(storage) and place_of_worker(storage, "here/1") is None
    with sqlite3.connect(tmp_path / "trials.sqlite3") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_journal_has_none(tmp_path: Path) -> None:
    storage = open_storage(f"journal:{tmp_path / 'trials.log'}")
    assert not is_heartbeat_enabled(storage)
    assert place_of_worker(storage, "here/1") == tmp_path / "trials.log.workers" / "here" / "1"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(UserError, match="Cannot open the storage"):
        open_storage(f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.parametrize("answers", [False, True], ids=["closed", "silent"])
def test_a_server_that_does_not_answer_is_given_up_within_ten_seconds(answers: bool) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if answers:
            server.listen()  # takes the connection, and says nothing
        began = time.monotonic()
        with pytest.raises(UserError) as refused:
            open_storage(ADDRESS.format(port=server.getsockname()[1]))
    assert time.monotonic() - began < 10
    assert "secret" not in str(refused.value) and "me:***@127.0.0.1" in str(refused.value)
    assert threading.active_count() < 20


def test_a_password_is_hidden() -> None:
    assert hidden(ADDRESS.format(port=5432)) == "postgresql+psycopg://me:***@127.0.0.1:5432/trials"
    assert hidden("postgresql+psycopg://db/x?user=me&password=secret") == (
        "postgresql+psycopg://:***@db/x?user=me"
    )
    assert hidden("journal:/a/b") == "journal:/a/b"
    assert "secret" not in hidden("://secret")


def test_a_database_is_the_same_whatever_its_password() -> None:
    kept = hidden("postgresql+psycopg://me:secret@db/x")
    for given in ("me:another@db/x", "me@db/x", "me@db/x?password=secret"):
        assert same_database(f"postgresql+psycopg://{given}", kept)
    for given in ("you:secret@db/x", "me:secret@elsewhere/x", "me:secret@db/y"):
        assert not same_database(f"postgresql+psycopg://{given}", kept)
    for address in (kept, hidden("postgresql+psycopg://db/x?password=secret")):
        with pytest.raises(UserError, match="Set AUTOGAN_STORAGE"):
            refuse_hidden_password(address)


def test_several_processes_that_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'trials.sqlite3'}"
    opened = multiprocessing.get_context("fork")
    processes = [opened.Process(target=open_storage, args=(address,)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 6


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "share no SQLite file"),
        ("sqlite:////shared/trials.sqlite3", "share no SQLite file"),
        ("postgresql+psycopg://me:secret@localhost/gan", "its host means each machine itself"),
        ("postgresql+psycopg://me:secret@/gan?host=/run/postgresql", "each machine itself"),
    ],
)
def test_a_storage_that_other_machines_cannot_reach_is_refused(
    address: str | None, words: str
) -> None:
    with pytest.raises(UserError, match=words) as refusal:
        refuse_out_of_reach(address)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://me:secret@db/gan",
        "postgresql+psycopg://me@/gan?host=db",
        "journal:/shared/trials.log",
    ],
)
def test_one_that_they_may_reach_is_taken_as_it_is(address: str) -> None:
    refuse_out_of_reach(address)
    assert with_whole_path(address) == address


def test_a_file_is_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_whole_path("journal:x.log") == f"journal:{tmp_path}/x.log"
    assert with_whole_path("sqlite:///x.db") == f"sqlite:///{tmp_path}/x.db"


def test_a_files_name_may_have_any_characters(tmp_path: Path) -> None:
    folder = tmp_path / "50%41 ?#ü"
    folder.mkdir()
    open_storage(with_whole_path(address_of_file(folder / "trials.sqlite3")))
    assert (folder / "trials.sqlite3").exists()


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_heartbeat_that_fails_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that finds a server too busy to take a connection."""
    study = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path / 'trials.sqlite3'}"))
    storage: Any = study._storage
    trial = study.ask()
    with monkeypatch.context() as patch:
        broken = StorageInternalError("connection timeout expired")
        patch.setattr(RDBStorage, "record_heartbeat", Mock(side_effect=broken))
        with pytest.warns(UserWarning, match="did not take a heartbeat: connection timeout"):
            storage.record_heartbeat(trial._trial_id)
    storage.record_heartbeat(trial._trial_id)
    with sqlite3.connect(tmp_path / "trials.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM trial_heartbeats").fetchone() == (1,)
