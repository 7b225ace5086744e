"""A proxy between etcd's peers that knows single Raft messages, and breaks links by them."""
