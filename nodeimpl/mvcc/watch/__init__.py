"""Watches: telling clients what changes, from any revision on (etcd, learning/api: Watch)."""
