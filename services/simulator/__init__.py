"""A fleet that drives itself, for the demo, tests and load."""
