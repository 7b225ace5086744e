"""The same workload under several plans: what differs, and how sure that is."""
