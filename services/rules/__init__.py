"""From `gps.fixes` to alerts: an alert is a pure function of a vehicle's fixes."""
