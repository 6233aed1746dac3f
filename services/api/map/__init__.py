"""The registry's map for a console: roads with their limits, routes with their corridors, zones; GeoJSON, bounded, with an ETag."""
