"""Consensus: it replicates a log and does not know what a command means."""
