"""What clients do, and which checkers judge it: one file per workload."""
