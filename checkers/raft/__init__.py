"""Raft's properties, judged afterwards: from the traces of a run, or from the logs on disk."""
