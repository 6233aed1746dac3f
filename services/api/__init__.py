"""Alerts, events, vehicles, tracks and positions for people and partners: REST, SSE and one plain page."""
