"""An etcd v3-compatible store: a sans-IO node, and the daemon around it."""
