"""Raises before it says what it is."""

raise RuntimeError("Margaret Whitfield must not be in a log")
