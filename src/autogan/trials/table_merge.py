"""Whether a table's file is sound, and one table of several shards."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.files.storage import written_aside
from autogan.trials.table_file import (
    damaged,
    identity_in,
    insert,
    make,
    members_in_order,
    reading,
    records_in,
    sizes_in,
    version_in,
)
from autogan.trials.table_values import Identity, TrainingRecord


def check(path: Path) -> None:
    """Raises `UserError` where a file is not, number for number, what was written to it."""
    with reading(path) as connection:
        for pragma in ("integrity_check", "foreign_key_check"):
            found = connection.execute(f"PRAGMA {pragma}").fetchall()
            if found and found != [("ok",)]:
                raise damaged(path, f"{pragma} says {found[0]}")
        identity = identity_in(connection, path)
        members = [str(a) for a in members_in_order(identity.search_space())]
        if list(sizes_in(connection)) != members:
            raise damaged(path, "its architectures are not all members of its space")
        for record in records_in(connection, path):
            steps = tuple(rung.steps for rung in record.rungs)
            whole = identity.rungs if record.state == "complete" else identity.rungs[: len(steps)]
            if steps != whole:
                raise damaged(path, f"{record.architecture} has the rungs {steps}")


def merge(out: Path, shards: Iterable[Path]) -> None:
    """One table of several, which must be of one identity; `check` is done on each.

    Of a training that two of them have the first counts; its numbers must be the same in both.
    """
    shards = list(shards)
    if out.exists():
        raise UserError(f"{out} exists already. Choose another file.")
    merged: dict[tuple[str, int], tuple[Path, TrainingRecord]] = {}
    first: tuple[Identity, str, list[Any]] | None = None
    for shard in shards:
        check(shard)
        with reading(shard) as connection:
            identity = identity_in(connection, shard)
            if first is None:
                sizes = sizes_in(connection).items()
                rows = [(number, text, *size) for number, (text, size) in enumerate(sizes)]
                first = (identity, version_in(connection), rows)
            places = (f"in {shards[0]}", f"in {shard}")
            if differences := first[0].differences(identity, *places):
                raise UserError(
                    f"{shards[0]} and {shard} cannot be merged:\n  " + "\n  ".join(differences)
                )
            for record in records_in(connection, shard):
                key = (str(record.architecture), record.seed)
                earlier, other = merged.setdefault(key, (shard, record))
                if other.numbers != record.numbers:
                    raise UserError(
                        f"{earlier} and {shard} both have a training of {key[0]} with seed {key[1]}, "
                        "and their numbers differ. Collect every shard once."
                    )
    if first is None:
        raise UserError("Name one shard or more.")
    numbers = {text: number for number, text, *_ in first[2]}
    with (
        written_aside(out) as aside,
        closing(sqlite3.connect(aside, isolation_level=None)) as connection,
    ):
        connection.execute("BEGIN")
        make(connection, *first)
        for (text, _), (_, record) in merged.items():
            insert(connection, numbers[text], record)
        connection.execute("COMMIT")
