"""A cluster of daemons on other machines, reached over SSH."""
