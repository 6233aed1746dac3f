"""The `--map their_name=our_name` option of the commands that read positions."""


def field_map(pairs: list[str]) -> dict[str, str]:
    """Their name to our name; one option may hold several pairs separated by commas.

    Raises:
        ValueError: a pair is not `their_name=our_name`.
    """
    renames: dict[str, str] = {}
    for pair in (part for option in pairs for part in option.split(",")):
        theirs, separator, ours = pair.partition("=")
        if not (theirs.strip() and separator and ours.strip()):
            raise ValueError(f"--map {pair!r}: expected their_name=our_name")
        renames[theirs.strip()] = ours.strip()
    return renames
