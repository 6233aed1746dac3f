"""`roadwatch …`: one thin file a command; `up` supervises, `judge` needs no server."""
