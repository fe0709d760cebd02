"""Cells become Records: when to send, whether to try again, when to stop."""
