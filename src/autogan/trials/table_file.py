"""The file of a table: SQLite of the standard library, with a schema that other programs can read.

Each training is written in one transaction, with a digest of all that it says: a file holds whole
trainings, whatever happens, and a changed number is noticed when it is read. What reads imports no
torch.
"""

import hashlib
import itertools
import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.basics.version import package_version
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.trials.table_values import (
    LATENTS,
    SCORE_COLUMNS,
    Identity,
    RungRecord,
    TableScores,
    TrainingRecord,
)

APPLICATION = 0x41474E54
"""SQLite's mark of whose file it is: "AGNT"."""
GAN_BENCH = Path(__file__).with_name("gan-bench-2592.sqlite3")
"""The table that comes with the program."""
SCHEMA = 1
"""Of the tables below; SQLite's user_version."""
MOST_MEMBERS = 100_000
"""A larger space is no table's."""
WAIT_SECONDS = 60
"""For another process that is writing to the file."""
TABLES = """
CREATE TABLE about (              -- what all trainings share
    name TEXT PRIMARY KEY,        -- identity, version, and a digest of both and of the architectures
    value TEXT NOT NULL           -- JSON
);
CREATE TABLE architectures (      -- every member of the space
    number INTEGER PRIMARY KEY,   -- the order in which they are trained, drawn at random
    architecture TEXT NOT NULL UNIQUE,
    parameters INTEGER NOT NULL,
    multiply_accumulates INTEGER NOT NULL
);
CREATE TABLE trainings (
    number INTEGER NOT NULL REFERENCES architectures,
    seed INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('complete', 'diverged')),
    reason TEXT NOT NULL,
    seconds REAL NOT NULL,        -- of training alone
    latency_milliseconds REAL NOT NULL,
    machine TEXT NOT NULL,
    ended REAL NOT NULL,          -- Unix time
    losses TEXT NOT NULL,         -- JSON: [[generator step, discriminator's, generator's], ...]
    digest TEXT NOT NULL,         -- of the whole training
    PRIMARY KEY (number, seed)
);
CREATE TABLE rungs (
    number INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    steps INTEGER NOT NULL,       -- generator steps
    training_seconds REAL NOT NULL,
    scoring_seconds REAL NOT NULL,
    PRIMARY KEY (number, seed, steps),
    FOREIGN KEY (number, seed) REFERENCES trainings
);
CREATE TABLE scores (
    number INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    latents TEXT NOT NULL CHECK (latents IN ('validation', 'test')),
    frechet_distance REAL NOT NULL,
    kernel_distance REAL NOT NULL,
    inception_score REAL,         -- NULL: images without classes
    precision REAL NOT NULL,
    recall REAL NOT NULL,
    spread REAL NOT NULL,         -- below 0.001 the generator has collapsed
    PRIMARY KEY (number, seed, steps, latents),
    FOREIGN KEY (number, seed, steps) REFERENCES rungs
);
"""

Costs = Callable[[Architecture], tuple[int, int]]
"""Parameters and multiply-accumulates of an architecture."""


def members_in_order(space: SearchSpace) -> list[Architecture]:
    """All members, in the one order in which they are trained: so a part of a table is a fair sample.

    Raises `UserError` where there are more than MOST_MEMBERS.
    """
    if space.cardinality() > MOST_MEMBERS:
        raise UserError(
            f"The space has {space.cardinality():,} architectures, and a table holds at most "
            f"{MOST_MEMBERS:,}. Take fewer cells: a smaller data.image_size, or a larger "
            "network.bottom_size."
        )
    from autogan.basics.randomness import derived_seed

    stages = [
        list(itertools.product(*(decision.options for decision in decisions)))
        for decisions in space.by_stage
    ]
    members = [Architecture(space.name, taken) for taken in itertools.product(*stages)]
    random.Random(derived_seed(0, "table/order")).shuffle(members)
    return members


def refuse_foreign(path: Path) -> None:
    """Raises `UserError` where what stands at a table's path is none, or its folder is not there."""
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent} for the table.")
    if path.exists() and path.stat().st_size:
        with reading(path) as connection:
            identity_in(connection, path)


def create(path: Path, identity: Identity, costs: Costs) -> None:
    """A new table without any training, where there is no file yet; several processes may try at once.

    Raises `UserError` where it cannot be made.
    """
    if path.exists() and path.stat().st_size:
        return
    rows = [(n, str(a), *costs(a)) for n, a in enumerate(members_in_order(identity.search_space()))]
    try:
        with closing(sqlite3.connect(path, WAIT_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")  # another process waits here, and finds it made
            if connection.execute("SELECT name FROM sqlite_master").fetchone() is None:
                make(connection, identity, package_version(), rows)
            connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise UserError(f"{path} cannot be made: {error}.") from None


def make(
    connection: sqlite3.Connection, identity: Identity, version: str, rows: Sequence[Any]
) -> None:
    """The tables, without any training; inside a transaction of the caller's."""
    for statement in TABLES.split(";")[:-1]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    about = {"identity": identity.to_plain(), "version": version}
    about["digest"] = _digest(about["identity"], version, rows)
    connection.executemany(
        "INSERT INTO about VALUES (?, ?)", [(n, json.dumps(v)) for n, v in about.items()]
    )
    connection.executemany("INSERT INTO architectures VALUES (?, ?, ?, ?)", rows)


def _digest(identity: Any, version: Any, rows: Sequence[Any]) -> str:
    plain = json.dumps([identity, version, [list(row) for row in rows]], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


class TableWriter:
    """Adds trainings to a table's file. Several processes may, on one machine.

    Raises `UserError` where the file is of another identity than `identity`.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        with reading(path) as connection:
            found = identity_in(connection, path)
            texts = connection.execute("SELECT architecture, number FROM architectures")
            self._numbers: dict[str, int] = dict(texts.fetchall())
        if differences := identity.differences(found, "now", "in the table"):
            raise UserError(
                f"{path} is another table than this recipe's:\n  " + "\n  ".join(differences)
            )
        self._path = path
        self._connection = sqlite3.connect(path, timeout=WAIT_SECONDS)

    def add(self, record: TrainingRecord) -> None:
        """Writes one training, whole or not at all. `UserError` where the table has it already."""
        number, seed = self._numbers[str(record.architecture)], record.seed
        try:
            with self._connection:
                insert(self._connection, number, record)
        except sqlite3.IntegrityError:
            raise UserError(
                f"{self._path} has a training of {record.architecture} with seed {seed} already. Does "
                "another process collect the same shard?"
            ) from None
        except sqlite3.OperationalError as error:
            raise UserError(
                f"{self._path} cannot be written to: {error}. What stands in it is whole; the same command "
                "goes on."
            ) from None

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()


def insert(connection: sqlite3.Connection, number: int, record: TrainingRecord) -> None:
    """Writes a training; inside a transaction of the caller's."""
    key = (number, record.seed)
    connection.execute(
        "INSERT INTO trainings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, record.state, record.reason, record.seconds, record.latency_milliseconds,
         record.machine, record.ended, json.dumps(record.losses), record.digest),
    )  # fmt: skip
    for rung in record.rungs:
        at = (*key, rung.steps)
        connection.execute(
            "INSERT INTO rungs VALUES (?, ?, ?, ?, ?)",
            (*at, rung.training_seconds, rung.scoring_seconds),
        )
        for latents in LATENTS:
            values = (*at, latents, *astuple(rung.scores(latents)))
            connection.execute("INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, and sees one state of the file.

    Raises `UserError` where the file is damaged or no table of ours.
    """
    if not path.is_file():
        raise UserError(f"There is no table {path}.")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS
    )
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            raise UserError(f"{path} is an SQLite file, but not a table of autogan's.")
        if schema > SCHEMA:
            raise UserError(
                f"{path} was made by a newer version of autogan (schema {schema}; this one knows "
                f"{SCHEMA}). Update autogan."
            )
        connection.execute("BEGIN")  # whoever adds a training meanwhile waits
        yield connection
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise UserError(f"{path} is being written to by another process. Try again.") from None
        raise damaged(path, str(error)) from None
    finally:
        connection.close()


def damaged(path: Path, reason: str) -> UserError:
    """The error for a file whose content is not what was written."""
    return UserError(f"{path} is damaged, or no table of autogan's: {reason}.")


def identity_in(connection: sqlite3.Connection, path: Path) -> Identity:
    """What the trainings of an open table share. Identity, version and sizes must match their digest."""
    try:
        about = {
            name: json.loads(value)
            for name, value in connection.execute("SELECT name, value FROM about")
        }
        rows = connection.execute("SELECT * FROM architectures ORDER BY number").fetchall()
        if about["digest"] != _digest(about["identity"], about["version"], rows):
            raise damaged(path, "what it is of was changed")
        return Identity.from_plain(about["identity"])
    except (TypeError, KeyError, json.JSONDecodeError) as error:
        raise damaged(path, f"it does not say what it is of ({error})") from None


def version_in(connection: sqlite3.Connection) -> str:
    """The version of the program that made an open table."""
    (value,) = connection.execute("SELECT value FROM about WHERE name = 'version'").fetchone()
    return str(json.loads(value))


def sizes_in(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Parameters and multiply-accumulates by architecture, in the order of training."""
    rows = connection.execute(
        "SELECT architecture, parameters, multiply_accumulates FROM architectures ORDER BY number"
    )
    return {text: (parameters, macs) for text, parameters, macs in rows}


def records_in(connection: sqlite3.Connection, path: Path) -> Iterator[TrainingRecord]:
    """All trainings, in the order of architectures and seeds. Each must match its digest."""
    texts = dict(connection.execute("SELECT number, architecture FROM architectures"))
    scores: dict[tuple[int, int, int], dict[str, TableScores]] = {}
    columns = ", ".join(SCORE_COLUMNS)
    for number, seed, steps, latents, *values in connection.execute(
        f"SELECT number, seed, steps, latents, {columns} FROM scores"
    ):
        scores.setdefault((number, seed, steps), {})[latents] = TableScores(*values)
    rungs: dict[tuple[int, int], list[RungRecord]] = {}
    try:
        for number, seed, steps, training_seconds, scoring_seconds in connection.execute(
            "SELECT number, seed, steps, training_seconds, scoring_seconds FROM rungs "
            "ORDER BY number, seed, steps"
        ):
            both = scores[number, seed, steps]
            rungs.setdefault((number, seed), []).append(
                RungRecord(
                    steps, training_seconds, scoring_seconds, both["validation"], both["test"]
                )
            )
        for number, seed, *rest, losses, digest in connection.execute(
            "SELECT number, seed, state, reason, seconds, latency_milliseconds, machine, ended, "
            "losses, digest FROM trainings ORDER BY number, seed"
        ):
            state, reason, seconds, latency, machine, ended = rest
            record = TrainingRecord(
                Architecture.parse(texts[number]),
                seed,
                state,
                tuple(rungs.get((number, seed), ())),
                seconds,
                latency,
                machine,
                ended,
                tuple((step, d, g) for step, d, g in json.loads(losses)),
                reason,
            )
            if record.digest != digest:
                raise damaged(path, f"{record.architecture} with seed {seed} was changed")
            yield record
    except UserError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"a training is not whole ({error})") from None
