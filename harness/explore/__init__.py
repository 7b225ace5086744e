"""Many seeds on many processes: what was found, and how much of what can happen was seen."""
