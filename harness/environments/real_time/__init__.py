"""Trials by the real clock, whatever the environment: clients, nemesis and phases over gRPC."""
