"""The stores under test, and how their daemons are run."""
