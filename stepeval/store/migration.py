"""Files of older versions: brought up to date where they are written, seen so where only read."""

import sqlite3

from stepeval.store import schema

# To version 2: a cell may have several finals, and a score belongs to the answer it judged. The
# order matters: a table's references follow it when it is renamed.
_TO_2 = (
    schema.PHASES,
    schema.COUNTED,
    schema.LIMIT_CHANGES,
    schema.BASELINES,
    schema.LOOKS,
    "ALTER TABLE scores RENAME TO scores_1",
    "ALTER TABLE finals RENAME TO finals_1",
    schema.FINALS,
    "INSERT INTO finals SELECT attempt, cell FROM finals_1",
    schema.FINALS_BY_CELL,
    schema.SCORES,
    """INSERT INTO scores
        SELECT scoring, f.attempt, choice, rule, scorer, value, answer, explanation, metadata
        FROM scores_1 s JOIN finals_1 f ON f.cell = s.cell""",
    "DROP TABLE scores_1",
    "DROP TABLE finals_1",
)
_AS_2 = (
    schema.PHASES.replace("CREATE TABLE", "CREATE TEMP TABLE"),
    schema.COUNTED.replace("CREATE TABLE", "CREATE TEMP TABLE"),
    schema.LIMIT_CHANGES.replace("CREATE TABLE", "CREATE TEMP TABLE"),
    schema.BASELINES.replace("CREATE TABLE", "CREATE TEMP TABLE"),
    schema.LOOKS.replace("CREATE TABLE", "CREATE TEMP TABLE"),
    """CREATE TEMP VIEW scores AS SELECT s.*, f.attempt
        FROM main.scores s JOIN main.finals f ON f.cell = s.cell""",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """All of it or nothing: a process that dies here leaves the file as it was."""
    connection.execute(schema.USAGES)
    if schema.version(connection) == schema.VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TO_2:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    connection.execute("COMMIT")


def read_as_current(connection: sqlite3.Connection) -> None:
    """Hides an older file's tables behind ones of today's form, for this connection alone."""
    if schema.version(connection) < schema.VERSION:
        for statement in _AS_2:
            connection.execute(statement)
