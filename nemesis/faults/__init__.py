"""Every kind of fault, a module for each kind or for a few that belong together."""
