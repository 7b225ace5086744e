"""Where a cluster lives: in simulation, on this machine, in containers, on hosts."""
