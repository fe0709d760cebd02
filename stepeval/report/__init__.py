"""Summaries become one self-contained HTML page."""
