"""What a history proves."""
