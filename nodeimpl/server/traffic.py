"""What passes between two members, counted."""

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """What this member has exchanged with another one since it was started."""

    sent_bytes: int = 0
    received_bytes: int = 0
    lost_batches: int = 0
    """Batches of messages that were dropped, for want of a connection or of room."""
