"""A cluster of operating-system processes on this machine, on the loopback interface."""
