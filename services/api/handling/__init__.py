"""Handling of alerts: what people do with them, one transaction an action."""
