"""Pages to browse runs with: served on this machine, or exported as static files."""
