"""What a store promises to watchers, one function per promise (etcd api_guarantees: Watch APIs)."""
