"""Nodes with planted bugs, to prove that oracles and checkers would see them."""
