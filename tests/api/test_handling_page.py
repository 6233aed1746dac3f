"""The page on handling: its tables are the code's, its commands run as they stand."""

import re
from pathlib import Path

import asyncpg

from services.api.handling.states import EVENT_TYPES, JT809_RESULTS, JT809_SUPERVISIONS, TRANSITIONS
from services.contracts.handling import Action, Handling
from tests.api import page
from tests.api.support import TOKEN, Api, event, put

PAGE = page.text("handling.md")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_is_the_code_s() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    actions = [re.findall(r"\w+", cell) for cell in cells(lines[0])[1:]]
    assert {name for names in actions for name in names} == {str(each) for each in Action} - {"escalate"}
    for line in lines[2:6]:
        state, *after = cells(line)
        for names, cell in zip(actions, after, strict=True):
            for name in names:
                found = TRANSITIONS[Handling(state.strip("`")), Action(name)]
                shown = {"–": None, "stays": Handling(state.strip("`"))}
                assert found == (shown[cell] if cell in shown else Handling(cell.strip("`"))), (state, name)
    for reason, result in JT809_RESULTS.items():
        assert re.search(rf"^\| `resolved`, .*`{reason}`.*\| {result} ", PAGE, re.MULTILINE)
    for level, code in JT809_SUPERVISIONS.items():
        assert f"| `{level}` | {code} |" in PAGE
    assert all(f"`{kind}`" in PAGE for kind in EVENT_TYPES.values())


async def test_its_commands_run(api: Api, writer: asyncpg.Connection, tmp_path: Path) -> None:
    await put(writer, [event("alr_0a1b2c")])
    output = await page.run(
        page.blocks("handling.md"), page.checkout(tmp_path, TOKEN), API=f"http://127.0.0.1:{api.port}"
    )
    rows = await writer.fetch("SELECT action FROM alert_action ORDER BY version")
    assert [row["action"] for row in rows] == [
        "claim", "comment", "comment", "supervise", "resolve", "reopen", "acknowledge",
    ]  # fmt: skip
    assert '"by":[{"id":"system"' in output
