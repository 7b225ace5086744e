"""Encryption at rest: an ordered list of providers, the first of which writes."""
