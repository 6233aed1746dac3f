"""Finding a vehicle by a part of what people know of it, and choosing what the map shows."""

import asyncpg
import pytest

from services.api.identity import Role
from services.runtime.clock import now_ms
from services.store.times import to_time
from tests.api.accounts import account, signed_in
from tests.api.support import Api, assign, fixes, register, until


@pytest.fixture
async def fleet(writer: asyncpg.Connection) -> dict[str, int]:
    """Three vehicles of two operators; a driver is on duty on the first."""
    await writer.execute("TRUNCATE route, driver CASCADE")
    found = {
        "coach": await register(writer, "宁A12345", operator="银川长途客运", terminal="13900000021"),
        "truck": await register(
            writer, "宁B1_00", operator="石嘴山危货", vehicle_class="hazmat", terminal="T-2"
        ),
        "bus": await register(
            writer, "宁B12345", operator="银川校车", vehicle_class="school_bus", terminal="T-3"
        ),
    }
    await writer.execute(
        "INSERT INTO driver (driver, name, operator_id) SELECT '640100-0001', '王小明', id FROM operator WHERE name = '银川长途客运'"
    )
    await assign(writer, found["coach"], "R-1", driver="640100-0001")
    await writer.execute(
        "UPDATE assignment SET from_at = $1, to_at = $2",
        to_time(now_ms() - 60_000),
        to_time(now_ms() + 3_600_000),
    )
    return found


@pytest.mark.parametrize(
    ("text", "names"),
    [("1234", ["coach", "bus"]), ("宁b", ["truck", "bus"]), ("银川", ["coach", "bus"]), ("危货", ["truck"]), ("0021", ["coach"]),
     ("小明", ["coach"]), ("1_", ["truck"]), ("%", []), ("\\", [])],
)  # fmt: skip
async def test_part_of_a_plate_an_operator_a_terminal_or_a_driver(
    api: Api, fleet: dict[str, int], text: str, names: list[str]
) -> None:
    answer = await api.get("/v1/vehicles", q=text)
    assert [item["id"] for item in answer.json()["items"]] == [fleet[name] for name in names]


async def test_a_driver_is_searched_for_by_those_who_may_see_names(
    api: Api, writer: asyncpg.Connection, fleet: dict[str, int]
) -> None:
    for login, role, count in (("wang", Role.DISPATCHER, 0), ("li", Role.SUPERVISOR, 1)):
        await account(writer, login, role)
        answer = await (await signed_in(api, login)).get("/v1/vehicles", params={"q": "王小明"})
        assert len(answer.json()["items"]) == count


async def test_a_name_finds_only_drivers_in_view_on_vehicles_in_view(
    api: Api, writer: asyncpg.Connection, fleet: dict[str, int]
) -> None:
    """A driver lent by another operator is not found by name; nor one who drives a vehicle after it has left the operator in view."""
    await writer.execute(
        "INSERT INTO driver (driver, name, operator_id) SELECT 'L-1', '借调员', id FROM operator WHERE name = '银川校车'"
    )
    await writer.execute("UPDATE assignment SET driver = 'L-1'")
    await account(writer, "own", Role.SUPERVISOR, operators=["银川长途客运"])
    await account(writer, "all", Role.SUPERVISOR)
    owner, everybody = await signed_in(api, "own"), await signed_in(api, "all")
    assert len((await owner.get("/v1/vehicles", params={"q": "1234"})).json()["items"]) == 1
    assert (await owner.get("/v1/vehicles", params={"q": "借调"})).json()["items"] == []
    assert len((await everybody.get("/v1/vehicles", params={"q": "借调"})).json()["items"]) == 1
    await writer.execute("UPDATE assignment SET driver = '640100-0001'")
    assert len((await owner.get("/v1/vehicles", params={"q": "王小明"})).json()["items"]) == 1
    await writer.execute("UPDATE registration SET valid_to = now() - interval '1 minute'")
    assert (await owner.get("/v1/vehicles", params={"q": "王小明"})).json()["items"] == []


async def test_positions_of_some_classes_and_operators(
    api: Api, writer: asyncpg.Connection, fleet: dict[str, int]
) -> None:
    for vehicle in fleet.values():
        api.state.livemap.update(
            fixes(vehicle, [now_ms()])
        )  # a vehicle without a name makes the map ask for names
    await until(lambda: set(api.state.livemap.names) >= set(fleet.values()))

    async def shown(**chosen: str) -> set[int]:
        answer = await api.get("/v1/positions", **chosen)
        return {item["vehicle"] for item in answer.json()["items"]}

    assert await shown() == set(fleet.values())
    assert await shown(**{"class": "coach,school_bus"}) == {fleet["coach"], fleet["bus"]}
    assert await shown(operator="石嘴山危货") == {fleet["truck"]}
    assert await shown(operator="石嘴山危货", **{"class": "coach"}) == set()
