"""Accounts and keys: what their administrators may change, and what everybody may change of their own."""
