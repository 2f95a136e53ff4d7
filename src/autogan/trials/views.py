"""What the database says of searches by trials, as views that any tool reads with plain SQL.

A view keeps nothing: it reads the records in the attributes of Optuna's studies and trials, so it cannot
lose or double a trial. docs/cluster.md describes the columns.

    autogan_studies    each search: what it is of
    autogan_trials     each trial once, as its latest attempt left it
    autogan_rungs      each score: trial, steps, goal, value
    autogan_attempts   each time that a worker had a trial
    autogan_schema     the version of these views
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

VERSION = 2
"""Of the views; one more whenever one changes."""
SCHEMA_VIEW = "autogan_schema"
NOT_PERMITTED = ("42501", "2BP01")
"""PostgreSQL's words for: you may not, and: a view of somebody else's is built on this one."""
LOCK = 0x6175746F67616E
"""The number ("autogan") under which processes wait for each other in PostgreSQL."""


def make_views(storage: BaseStorage) -> str:
    """Makes the views where there are none, or those of an older version; a journal has none.

    "", or the database's reason why this user may not.
    """
    if not isinstance(storage, RDBStorage):
        return ""
    engine = storage.engine
    with engine.connect() as connection:
        if _version(connection) >= VERSION:
            return ""
    try:
        with _alone(engine) as connection:
            if _version(connection) < VERSION:  # else another process was faster
                for name, definition in definitions(engine.dialect.name).items():
                    connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
                    connection.exec_driver_sql(f"CREATE VIEW {name} AS {definition}")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in NOT_PERMITTED:
            raise
        return " ".join(str(error.orig).split())
    return ""


def _version(connection: Connection) -> int:
    """0 where there are no views."""
    if not sqlalchemy.inspect(connection).has_table(SCHEMA_VIEW):
        return 0
    return int(connection.exec_driver_sql(f"SELECT version FROM {SCHEMA_VIEW}").scalar_one())


@contextmanager
def _alone(engine: sqlalchemy.Engine) -> Iterator[Connection]:
    """A transaction that waits for that of any other process here: all views are made, or none."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        yield connection
        connection.commit()


class _Json(ABC):
    """How a database takes JSON apart. value: SQL of the JSON; path: members and places (-1: the last), from
    outside in."""

    @abstractmethod
    def text(self, value: str, *path: str | int) -> str:
        """What is there, as text; NULL where nothing is."""

    @abstractmethod
    def typed(self, kind: str, value: str, *path: str | int) -> str:
        """The same as a column of an SQL type."""

    @abstractmethod
    def each(self, row: str, value: str, *path: str) -> str:
        """The elements of an array as rows with a `value`."""

    @abstractmethod
    def beside(self, kind: str, value: str, array: str, row: str) -> str:
        """The element of an array at the place that a row of `each` has in its own."""

    @abstractmethod
    def joined(self, row: str) -> str:
        """An aggregate: the texts in rows of `each`, with ", " between them."""


class _Sqlite(_Json):
    def text(self, value: str, *path: str | int) -> str:
        return f"json_extract({value}, '{self._path(path)}')" if path else value

    def typed(self, kind: str, value: str, *path: str | int) -> str:
        return self.text(value, *path)

    def each(self, row: str, value: str, *path: str) -> str:
        return f"json_each({value}, '{self._path(path)}') AS {row}"

    def beside(self, kind: str, value: str, array: str, row: str) -> str:
        return f"json_extract({value}, '$.{array}[' || {row}.key || ']')"

    def joined(self, row: str) -> str:
        return f"group_concat({row}.value, ', ')"

    def _path(self, path: Sequence[str | int]) -> str:
        """-1 is [#-1] here."""
        steps = (
            f".{step}" if isinstance(step, str) else f"[#{step}]" if step < 0 else f"[{step}]"
            for step in path
        )
        return "".join(("$", *steps))


class _PostgreSql(_Json):
    def text(self, value: str, *path: str | int) -> str:
        return f"(({value})::json #>> '{{{','.join(map(str, path))}}}')"

    def typed(self, kind: str, value: str, *path: str | int) -> str:
        return f"{self.text(value, *path)}::{kind}"

    def each(self, row: str, value: str, *path: str) -> str:
        elements = f"json_array_elements(({value})::json #> '{{{','.join(path)}}}')"
        return f"LATERAL {elements} WITH ORDINALITY AS {row}(value, place)"

    def beside(self, kind: str, value: str, array: str, row: str) -> str:
        return f"(({value})::json -> '{array}' ->> ({row}.place - 1)::int)::{kind}"

    def joined(self, row: str) -> str:
        return f"string_agg({self.text(f'{row}.value')}, ', ' ORDER BY {row}.place)"


def definitions(dialect: str) -> dict[str, str]:
    """The query of each view by its name, for sqlite or postgresql."""
    json: _Json = _Sqlite() if dialect == "sqlite" else _PostgreSql()
    return {
        "autogan_studies": _studies(json),
        "autogan_trials": _trials(json),
        "autogan_rungs": _rungs(json),
        "autogan_attempts": _attempts(json),
        SCHEMA_VIEW: f"SELECT {VERSION} AS version",
    }


def _studies(json: _Json) -> str:
    def setting(*path: str) -> str:
        return json.text("i.value_json", "settings", *path)

    def count(*path: str) -> str:
        return json.typed("bigint", "i.value_json", "settings", *path)

    goals = json.each("goal", "i.value_json", "settings", "trials", "goals")
    return f"""
        SELECT s.study_name AS study,
            {json.typed("bigint", "i.value_json", "schema")} AS schema_version,
            {json.text("i.value_json", "data")} AS data_digest,
            {json.text("i.value_json", "judge")} AS judge,
            {setting("network", "space")} AS space,
            {count("data", "image_size")} AS image_size,
            {setting("search", "strategy")} AS strategy,
            (SELECT {json.joined("goal")} FROM {goals}) AS goals,
            {count("trials", "count")} AS trials_wanted,
            {count("trials", "steps")} AS first_rung_steps,
            {count("trials", "rungs")} AS rungs,
            {count("trials", "reduction")} AS reduction,
            {count("seed")} AS seed,
            {json.text("i.value_json", "settings")} AS settings
        FROM studies s
        JOIN study_user_attributes i ON i.study_id = s.study_id AND i.key = 'autogan'"""


def _attempted(json: _Json) -> str:
    """Rows `attempted`: all attempts at trials of our studies; the latest at a trial has age 1.

    A trial that is surplus is another one than that which gets its number once the study has grown.
    """
    number = json.typed("bigint", "a.value_json", "number")
    surplus = json.typed("boolean", "a.value_json", "surplus")
    same = f"PARTITION BY t.study_id, {number}, {surplus}"
    return f"""
        attempted AS (
            SELECT s.study_id, s.study_name AS study, i.value_json AS identity, t.trial_id,
                t.number AS optuna_number, t.datetime_start, t.datetime_complete,
                a.value_json AS record, {number} AS number,
                {json.text("a.value_json", "state")} AS state,
                {surplus} AS surplus,
                t.state = 'FAIL' AND {json.text("a.value_json", "state")} = 'running' AS lost,
                ROW_NUMBER() OVER ({same} ORDER BY t.number) AS attempt,
                ROW_NUMBER() OVER ({same} ORDER BY t.number DESC) AS age,
                MIN(t.datetime_start) OVER ({same}) AS began
            FROM trials t
            JOIN studies s ON s.study_id = t.study_id
            JOIN study_user_attributes i ON i.study_id = t.study_id AND i.key = 'autogan'
            JOIN trial_user_attributes a ON a.trial_id = t.trial_id AND a.key = 'autogan'
        )"""


def _trials(json: _Json) -> str:
    real = "double precision"
    return f"""
        WITH {_attempted(json)}
        SELECT study, number,
            {json.text("record", "architecture")} AS architecture,
            {json.typed("bigint", "record", "seed")} AS seed,
            CASE WHEN lost THEN 'failed' ELSE state END AS state,
            CASE WHEN surplus THEN 'begun although there were enough'
                WHEN lost THEN 'its worker died, again and again'
                ELSE {json.text("record", "reason")} END AS reason,
            COALESCE({json.typed("bigint", "record", "rungs", -1, "steps")}, 0) AS steps,
            COALESCE({json.typed(real, "record", "rungs", -1, "seconds")}, 0) AS seconds,
            {json.text("identity", "settings", "trials", "goals", 0)} AS goal,
            {json.typed(real, "record", "rungs", -1, "values", 0)} AS value,
            {json.text("record", "worker")} AS worker,
            {json.typed("bigint", "record", "parent")} AS parent,
            {json.typed("boolean", "record", "foreseen")} AS foreseen,
            surplus, attempt AS attempts, began,
            datetime_complete AS ended,
            {json.typed(real, "record", "ended")} AS ended_unix,
            trial_id AS optuna_trial_id
        FROM attempted WHERE age = 1"""


def _rungs(json: _Json) -> str:
    rungs = json.each("rung", "record", "rungs")
    goals = json.each("goal", "identity", "settings", "trials", "goals")
    real = "double precision"
    return f"""
        WITH {_attempted(json)}
        SELECT study, number AS trial,
            {json.typed("bigint", "rung.value", "steps")} AS steps,
            {json.typed(real, "rung.value", "seconds")} AS seconds,
            {json.text("goal.value")} AS goal,
            {json.beside(real, "rung.value", "values", "goal")} AS value
        FROM attempted CROSS JOIN {rungs} CROSS JOIN {goals}
        WHERE age = 1"""


def _attempts(json: _Json) -> str:
    return f"""
        WITH {_attempted(json)}, died AS (
            SELECT t.study_id, {json.typed("bigint", "number.value")} AS number
            FROM trials t
            JOIN trial_system_attributes h ON h.trial_id = t.trial_id AND h.key = 'retry_history'
            CROSS JOIN {json.each("number", "h.value_json")}
        )
        SELECT study, number AS trial, attempt,
            {json.text("record", "worker")} AS worker,
            datetime_start AS began, datetime_complete AS ended,
            CASE WHEN NOT lost THEN state
                WHEN age = 1 OR (study_id, optuna_number) IN (SELECT study_id, number FROM died)
                THEN 'died' ELSE 'given back' END AS outcome
        FROM attempted WHERE NOT surplus AND datetime_start IS NOT NULL"""
