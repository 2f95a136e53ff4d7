"""The database of a search by trials, which Optuna keeps: a file, a server, or a journal.

sqlite:///FILE                        one machine; written ahead (WAL), so that readers never wait
postgresql+psycopg://USER@HOST/NAME   any number of machines (pip install 'psycopg[binary]')
journal:FILE                          machines that share nothing but a file system
"""

import fcntl
import random
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages import RetryHeartbeatStaleTrialCallback as Retry
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb.models import TrialParamModel
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from autogan.basics.errors import UserError

JOURNAL = "journal:"
SCHEMES = ("sqlite:///FILE", "postgresql+psycopg://USER@HOST/NAME", "journal:FILE")
HEARTBEAT_SECONDS = 10
DEAD_AFTER_SECONDS = 40
"""Without a heartbeat for so long a worker counts as dead, and its trial is taken up by another."""
MOST_RETRIES = 3
"""Workers that may die of one trial."""
MADE_BY_ANOTHER = ("already exists", "duplicate key")
"""What a server says to two processes that make its tables at the same moment."""
HERE = (None, "", "localhost", "127.0.0.1", "::1")
"""Hosts of a server's address that mean the machine which reads it."""
CONNECT_WITHIN_SECONDS = 8
OPENED_TOGETHER = 20
"""Times that a storage is opened again when another process was making its tables."""


def open_storage(address: str) -> BaseStorage:
    """The storage at an address, made where it is a file that does not exist.

    Raises `UserError` for an unknown kind of address, and within ten seconds where nothing answers.
    """
    if address.startswith(JOURNAL):
        file = Path(address.removeprefix(JOURNAL))
        if not file.parent.is_dir():
            raise UserError(f"There is no folder {file.parent} for the storage.")
        return JournalStorage(JournalFileBackend(str(file)))
    url = _parsed(address)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return _connected(
        address,
        {
            "pool_size": 1,  # kept open; a server has a hundred for all workers unless it is told otherwise
            "pool_pre_ping": True,
            "connect_args": {"connect_timeout": CONNECT_WITHIN_SECONDS},
        },
        CONNECT_WITHIN_SECONDS + 1,
    )


def write_parameters(
    distributions: Mapping[str, BaseDistribution], values: Mapping[str, Any], trial: optuna.Trial
) -> None:
    """The parameters of a trial that has none of these yet.

    In a database all of them in one transaction: Optuna writes each in one of its own, and looks before
    whether it fits the other trials', which is most of what a trial costs there.
    """
    internal = {name: distributions[name].to_internal_repr(value) for name, value in values.items()}
    storage = trial.storage
    if not isinstance(storage, _CachedStorage):
        for name, value in internal.items():
            storage.set_trial_param(trial._trial_id, name, value, distributions[name])
        return
    with _create_scoped_session(storage._backend.scoped_session) as session:
        rows = [
            {
                "trial_id": trial._trial_id,
                "param_name": name,
                "param_value": value,
                "distribution_json": distribution_to_json(distributions[name]),
            }
            for name, value in internal.items()
        ]
        session.execute(sqlalchemy.insert(TrialParamModel), rows)


def hidden(address: str) -> str:
    """An address without its password, for logs, reports and files."""
    if address.startswith(JOURNAL):
        return address
    try:
        url = make_url(address)
    except ArgumentError:
        return "(an address that cannot be read)"
    if "password" in url.query:
        url = url.difference_update_query(["password"]).set(
            username=url.username or "", password="hidden"
        )
    return url.render_as_string(hide_password=True)


def same_database(first: str, second: str) -> bool:
    """Whether two addresses are of one database, whatever passwords they have."""
    return hidden(first).replace(":***@", "@") == hidden(second).replace(":***@", "@")


def address_of_file(file: Path) -> str:
    """Of an SQLite file, whatever characters are in its name."""
    return URL.create("sqlite", database=str(file.resolve())).render_as_string()


def refuse_hidden_password(address: str) -> None:
    """Raises `UserError` for an address that `hidden` took the password from."""
    if ":***@" in address:
        raise UserError(
            f"The storage {address} has a password, which is written down nowhere. Set "
            "AUTOGAN_STORAGE to the whole address."
        )


def with_whole_path(address: str) -> str:
    """An address that means the same from another working folder: a file's path from the root."""
    if address.startswith(JOURNAL):
        return f"{JOURNAL}{Path(address.removeprefix(JOURNAL)).resolve()}"
    url = _parsed(address)
    if url.get_backend_name() != "sqlite":
        return address
    assert url.database is not None
    whole = url.set(database=str(Path(url.database).resolve()))
    return whole.render_as_string(hide_password=False)


def refuse_out_of_reach(address: str | None) -> None:
    """Raises `UserError` for a storage that other machines surely cannot reach; None: the default one."""
    if address is not None and address.startswith(JOURNAL):
        return  # its folder may be shared
    url = None if address is None else _parsed(address)
    if url is None or url.get_backend_name() == "sqlite":
        raise UserError(
            "The workers' machines share no SQLite file: it is for one machine. Give --storage "
            "postgresql+psycopg://USER@HOST/NAME, or journal:FILE in a folder that all machines see."
        )
    host = url.host or url.query.get("host")
    if host in HERE or str(host).startswith("/"):
        raise UserError(
            f"Other machines do not reach the storage {hidden(address or '')}: its host means each "
            "machine itself. Name the server as all machines know it."
        )


def place_of_worker(storage: BaseStorage, name: str) -> Path | None:
    """The folder beside a journal that a worker locks while it lives; None where heartbeats tell that.

    name: the machine, a slash, and the process.
    """
    if not isinstance(storage, JournalStorage):
        return None
    journal = storage._backend
    assert isinstance(journal, JournalFileBackend)
    return Path(f"{journal._file_path}.workers") / name


def _parsed(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        raise UserError(
            f"Cannot read the storage's address. Use one of: {', '.join(SCHEMES)}."
        ) from None
    kind = url.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise UserError(
            f"A storage cannot be of the kind {kind!r}. Use one of: {', '.join(SCHEMES)}."
        )
    if kind == "sqlite" and not url.database:
        raise UserError(
            "A storage in memory would be lost with the process. Name a file: sqlite:///FILE"
        )
    if kind == "postgresql" and find_spec("psycopg") is None:
        raise UserError(
            "PostgreSQL needs the package psycopg, which is not installed: pip install "
            "'psycopg[binary]'"
        )
    return url


def _sqlite(url: URL) -> RDBStorage:
    assert url.database is not None
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder} for the storage.")
    with _one_at_a_time(Path(f"{url.database}.lock")):
        return _written_ahead(_connected(str(url), {"connect_args": {"timeout": 60}}))


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    """Processes of this machine one after the other: a file has tables only when the first has made them."""
    with file.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _written_ahead(storage: RDBStorage) -> RDBStorage:
    """A transaction takes a tenth of the time, and who reads never waits."""

    def written_ahead(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    sqlalchemy.event.listen(storage.engine, "connect", written_ahead)
    storage.engine.dispose()  # connections that were made without it
    storage.engine.connect().close()
    return storage


def _connected(address: str, engine: dict[str, Any], within: float | None = None) -> RDBStorage:
    """within: seconds in which a server must answer; a file does, however busy the machine is."""
    try:
        if within is not None:
            _refuse_silence(address, engine, within)
        return _opened(address, engine)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise UserError(f"Cannot open the storage {hidden(address)}: {_reason(error)}") from None
    except RuntimeError as error:  # Optuna's, for the schema of another of its versions
        raise UserError(f"Cannot use the storage {hidden(address)}: {error}") from None


def _opened(address: str, engine: dict[str, Any]) -> RDBStorage:
    """With its tables; where another process makes them at this moment, after that."""
    for _ in range(OPENED_TOGETHER):
        try:
            return _rdb(address, engine)
        except (SQLAlchemyError, StorageInternalError) as error:
            if not any(words in _reason(error) for words in MADE_BY_ANOTHER):
                raise
            time.sleep(random.uniform(0.5, 1.5))
    return _rdb(address, engine)


def _rdb(address: str, engine: dict[str, Any]) -> RDBStorage:
    with known_experiments():
        return _PatientStorage(
            address,
            engine_kwargs=engine,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=DEAD_AFTER_SECONDS,
            heartbeat_stale_trial_callback=Retry(max_retry=MOST_RETRIES),
        )


class _PatientStorage(RDBStorage):
    """One heartbeat that fails is not the last: Optuna's thread would end with it, and a live trial would
    be taken for dead. A server that is gone for longer is noticed by the worker's next question."""

    def record_heartbeat(self, trial_id: int) -> None:
        try:
            super().record_heartbeat(trial_id)
        except (SQLAlchemyError, StorageInternalError) as error:
            warnings.warn(f"The database did not take a heartbeat: {error}", stacklevel=2)


def _refuse_silence(address: str, engine: dict[str, Any], seconds: float) -> None:
    """Raises where no connection comes; a name that resolves to nothing may take minutes otherwise.

    The tables are made afterwards, which on a busy machine may take longer.
    """
    found: list[BaseException | None] = []

    def run() -> None:
        try:
            probe = sqlalchemy.create_engine(address, **engine)
            probe.connect().close()
            probe.dispose()
            found.append(None)
        except BaseException as error:  # raised again below, in the thread that waits
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise UserError(f"Nothing answered at {hidden(address)} within {seconds:.0f} seconds.")
    if found[0] is not None:
        raise found[0]


@contextmanager
def answering(address: str) -> Iterator[None]:
    """Inside, a storage that is lost in the middle raises a `UserError` that says so."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise UserError(
            f"The storage {hidden(address)} does not answer any more ({_reason(error)}). No trial that "
            "has ended is lost. Go on when it does: --resume."
        ) from error


def _reason(error: Exception) -> str:
    """The database's own words, in one line."""
    original = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
    return " ".join(str(original).split())


@contextmanager
def known_experiments() -> Iterator[None]:
    """Without Optuna's warnings that heartbeats may change, and its log, a line for every trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
