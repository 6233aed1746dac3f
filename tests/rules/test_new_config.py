"""What goes on while another version of registry, map and rules comes into force."""

from msgspec.structs import replace

from services.rules.engine import Engine
from tests.rules.cases.building import config, fix, road
from tests.rules.reference import to_records


def test_an_open_episode_keeps_its_roads_when_a_map_with_others_before_them_comes() -> None:
    slow = road("highway", (5, -2000), (5, 2000), name="slow", limit_kmh=60)
    fast = road("highway", (-5, -2000), (-5, 2000), name="fast", limit_kmh=80)
    far = road("highway", (9000, -2000), (9000, 2000), name="far", limit_kmh=40)
    world = config("freight", roads=[slow, fast])
    engine = Engine(world, str)
    (opened,) = engine.judge(to_records([fix(0, 81), fix(20, 81), fix(40, 81)]))
    engine.configure(replace(world, roads=(far, fast, slow)))
    (still,) = engine.open_episodes()
    assert opened.episode.why["road"] == still.episode.why["road"] == "fast"
    doubt = [{"road": "slow", "limit": 60}, {"road": "fast", "limit": 80}]
    assert opened.episode.why["doubt"] == still.episode.why["doubt"] == doubt
    engine.configure(replace(world, roads=(far, slow)))
    (gone,) = engine.open_episodes()
    assert gone.episode.why["road"] is None
    assert gone.episode.why["doubt"][1] == {"road": None, "limit": 80}
