"""Storms in groups: nothing hidden, nothing twice, the same whatever order the alerts come in."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.api.handling.groups import FEWEST, MOST_LISTED, Basis, Group, Unresolved, described, grouped

WINDOW_MS = 600_000


def alert(
    name: str,
    began_s: int = 0,
    *,
    rule: str = "speeding",
    kind: str = "monitoring",
    operator: str = "甲",
    rank: int = 1,
    lon: float = 106.231,
    lat: float = 38.481,
    road: str | None = None,
) -> Unresolved:
    return Unresolved(
        id=name, version=0, handling="open", rule=rule, kind=kind, operator=operator, severity_rank=rank, began_ms=began_s * 1000,
        lon=lon, lat=lat, road=road,
    )  # fmt: skip


def names(alerts: list[Unresolved]) -> list[tuple[str, list[str]]]:
    return [(str(group.basis), [one.id for one in group.alerts]) for group in grouped(alerts, WINDOW_MS)]


def test_one_road_is_one_place_whoever_drives_there() -> None:
    road = [
        alert(f"r{place}", place * 60, operator=f"o{place}", road="G6", lon=106 + place) for place in range(4)
    ]
    other = alert("other", 30, road="G6", kind="statutory")
    assert names([*road, other]) == [("place", ["r0", "r1", "r2", "r3"]), ("single", ["other"])]


def test_one_operator_is_a_cause_where_no_place_is() -> None:
    spread = [alert(f"s{place}", place * 60, lon=106 + place) for place in range(2)]
    assert names([*spread, alert("far", 60, operator="乙", lon=100)]) == [
        ("operator", ["s0", "s1"]),
        ("single", ["far"]),
    ]


def test_a_cell_is_a_place_and_a_pause_parts_two_storms() -> None:
    first = [alert(f"a{place}", place * 600, operator=f"o{place}") for place in range(FEWEST)]
    later = [alert(f"b{place}", 10_000 + place, operator=f"o{place}") for place in range(FEWEST)]
    assert [basis for basis, _ in names(first + later)] == ["place", "place"]
    apart = [alert(f"a{place}", place * 601, operator=f"o{place}") for place in range(FEWEST)]
    assert [basis for basis, _ in names(apart)] == ["single"] * FEWEST


def test_the_gravest_comes_first_and_much_is_counted_though_not_listed() -> None:
    storm = [alert(f"m{place:04d}", place, road="G6") for place in range(MOST_LISTED + 5)]
    grave = alert("grave", 0, rank=3, operator="乙", lon=100)
    first, second = [described(group) for group in grouped([*storm, grave], WINDOW_MS)]
    assert (first["storm"], second["storm"]) == (False, True)
    assert [described(Group(Basis.PLACE, tuple(storm[:n])))["storm"] for n in (FEWEST - 1, FEWEST)] == [
        False,
        True,
    ]
    everything = described(Group(Basis.PLACE, tuple(storm)), len(storm))
    assert (len(everything["items"]), everything["truncated"]) == (len(storm), False)
    assert (first["severity"], first["count"], first["truncated"]) == ("critical", 1, False)
    assert (second["count"], len(second["items"]), second["truncated"]) == (
        MOST_LISTED + 5,
        MOST_LISTED,
        True,
    )
    assert (second["place"], second["operator"], second["handlings"]) == (
        "G6",
        "甲",
        {"open": MOST_LISTED + 5},
    )


ALERTS = st.lists(
    st.builds(
        alert,
        st.uuids().map(str),
        st.integers(0, 5000),
        kind=st.sampled_from(["monitoring", "statutory"]),
        operator=st.sampled_from(["甲", "乙", "丙"]),
        rank=st.integers(0, 3),
        lon=st.sampled_from([106.0, 106.01, 106.5, -0.001]),
        road=st.sampled_from([None, "G6", "G70"]),
    ),
    max_size=60,
    unique_by=lambda one: one.id,
)


@given(ALERTS, st.integers(0, 2**32))
def test_every_alert_is_in_exactly_one_group_in_any_order(alerts: list[Unresolved], seed: int) -> None:
    found = grouped(alerts, WINDOW_MS)
    assert Counter(one.id for group in found for one in group.alerts) == Counter(one.id for one in alerts)
    shuffled = list(alerts)
    random.Random(seed).shuffle(shuffled)
    assert grouped(shuffled, WINDOW_MS) == found
    for group in found:
        assert len({(one.rule, one.kind) for one in group.alerts}) == 1
        if group.basis is Basis.PLACE:
            assert len(group.alerts) >= FEWEST
            assert len({one.place for one in group.alerts}) == 1
        else:
            assert len({one.operator for one in group.alerts}) == 1
            assert (len(group.alerts) == 1) == (group.basis is Basis.SINGLE)
        gaps = [
            later.began_ms - one.began_ms for one, later in zip(group.alerts, group.alerts[1:], strict=False)
        ]
        assert all(0 <= gap <= WINDOW_MS for gap in gaps)
