"""Durable records: one SQLite file a run."""
