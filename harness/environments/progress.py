"""How far a trial has come, as every environment tells it."""

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """How far a trial has come."""

    phase: str
    now_ns: int
    end_ns: int
    """Of the load phase."""
    op_count: int
    fault_count: int
