"""Readers of histories that other tools recorded.

Each yields our own `History`: indices are the order of the file, times the format's own where it
has them, and whatever cannot be read is a `HistoryFileError` with its file and line.
"""
