"""From `gps.raw` to `gps.fixes` and the history: decode, check, identify, normalise; one verdict per record."""
