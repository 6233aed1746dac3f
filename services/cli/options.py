"""What several commands share: how a typer function becomes `main(arguments) -> exit code`, and the `--map` option."""

from collections.abc import Callable, Sequence

import typer


def run_typer(function: Callable[..., None], name: str, arguments: Sequence[str]) -> int:
    """Parse `arguments` by the function's signature and call it; 0, or the code it leaves with; 2 for wrong usage."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    try:
        typer.main.get_command(app)(args=list(arguments), prog_name=name)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


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
