"""etcd's v3 API: messages and errors."""
