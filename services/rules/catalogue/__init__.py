"""The rules: a module each, which knows no other rule."""
