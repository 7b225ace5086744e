"""Pure generators: which operation comes next, and when."""
