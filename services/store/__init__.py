"""PostGIS: models, migrations, queries; the only folder that knows SQL."""
