"""The console's offline map: divisions, roads, rivers, lakes and names as GeoJSON, made of packages when Roadwatch is installed."""
