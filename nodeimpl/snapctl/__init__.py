"""Backups while no member runs: what one holds, and a new cluster from it."""
