"""Whether a history fits some sequential order that respects real time."""
