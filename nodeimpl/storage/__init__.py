"""Bytes that survive a crash: the log's format, recovery, backends."""
