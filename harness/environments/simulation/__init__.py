"""A whole cluster in one thread and in virtual time, decided by one seed."""
