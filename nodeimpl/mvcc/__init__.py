"""The replicated state machine: it does not know what a log index is for."""
