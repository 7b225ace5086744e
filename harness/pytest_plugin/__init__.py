"""Quorate's trials as pytest's tests: the `quorate` fixture and marker (docs/CI.md)."""
