"""Everything that is SQL: the schema, its history, and one module of queries a noun; nobody else knows a table's name."""
