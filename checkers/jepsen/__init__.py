"""The checkers that Jepsen's workloads made known: sets, queues, ids, counters, banks, orders."""
