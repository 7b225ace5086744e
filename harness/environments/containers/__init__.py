"""A cluster of containers, one per node, on a network of their own."""
