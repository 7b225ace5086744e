"""Histories in the formats of other tools."""
