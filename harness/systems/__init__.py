"""The stores that can be put under test as daemons: how each is found, started and told apart."""
