"""Which etcd this node is like."""

from typing import Final

API_VERSION: Final = "3.5.0"
"""The version of etcd's API that is spoken; what clients are told."""
SERVER_VERSION: Final = f"{API_VERSION}+quorate"
