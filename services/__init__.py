"""Roadwatch's services: every process is a module below this package and is started by `roadwatch` or `python -m`."""
