"""The tables of a run's file."""

import sqlite3

DATABASE = "run.db"
LOCK = "run.lock"

APPLICATION_ID = 0x73746570  # "step": what file(1) and PRAGMA application_id show
VERSION = 2

PHASES = """
CREATE TABLE phases (
  number INTEGER NOT NULL,
  repeat INTEGER NOT NULL,
  load REAL NOT NULL,
  begin_ns INTEGER NOT NULL,
  steady_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  drained_ns INTEGER NOT NULL,
  health TEXT NOT NULL,
  PRIMARY KEY (number, repeat)
)"""
COUNTED = """
CREATE TABLE token_counts (
  cell INTEGER PRIMARY KEY REFERENCES cells (number),
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL
)"""
# A cell that was asked again has several; the one of the latest attempt counts.
FINALS = """
CREATE TABLE finals (
  attempt INTEGER PRIMARY KEY REFERENCES attempts (seq),
  cell INTEGER NOT NULL REFERENCES cells (number)
)"""
FINALS_BY_CELL = "CREATE INDEX finals_by_cell ON finals (cell)"
SCORES = """
CREATE TABLE scores (
  scoring INTEGER NOT NULL REFERENCES scorings (number),
  attempt INTEGER NOT NULL REFERENCES finals (attempt),
  choice INTEGER NOT NULL,
  rule TEXT NOT NULL,
  scorer TEXT NOT NULL,
  value REAL,
  answer TEXT,
  explanation TEXT,
  metadata TEXT,
  PRIMARY KEY (scoring, attempt, choice, rule)
)"""

LIMIT_CHANGES = """
CREATE TABLE limit_changes (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  provider TEXT NOT NULL,
  kind TEXT NOT NULL,
  level REAL NOT NULL,
  used REAL NOT NULL,
  why TEXT NOT NULL
)"""
# What answers say they used, so that a sum need not read them; none where they do not say.
USAGES = """
CREATE TABLE IF NOT EXISTS usages (
  attempt INTEGER PRIMARY KEY REFERENCES attempts (seq),
  cell INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL
)"""

TABLES = f"""
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE run (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cells INTEGER NOT NULL,
  info TEXT NOT NULL,
  suite TEXT NOT NULL
);
CREATE TABLE events (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT
);
CREATE TABLE cells (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  arm TEXT NOT NULL,
  sample TEXT NOT NULL,
  epoch INTEGER NOT NULL
);
CREATE TABLE attempts (
  seq INTEGER PRIMARY KEY,
  cell INTEGER NOT NULL REFERENCES cells (number),
  number INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  started_at REAL NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  url TEXT NOT NULL,
  body TEXT NOT NULL,
  result TEXT NOT NULL,
  chunks BLOB
);
CREATE INDEX attempts_by_cell ON attempts (cell);
CREATE TABLE scorings (
  number INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  rules TEXT NOT NULL
);
{FINALS};
{FINALS_BY_CELL};
{SCORES};
{PHASES};
{COUNTED};
{LIMIT_CHANGES};
{USAGES};
"""


def version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found
