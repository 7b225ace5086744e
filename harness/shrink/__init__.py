"""From a run that fails to the smallest that fails in the same way."""
