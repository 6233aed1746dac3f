"""The offline map: neighbours keep one border, and Ningxia's files hold what the console draws, small enough to send."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.cli.main import main
from services.simulator.basemap import files
from services.simulator.basemap.borders import borders
from services.simulator.basemap.chains import chains
from services.simulator.basemap.layers import LAYERS, division_features
from services.simulator.sources import Division

WEST = Division("110101", "西", (([(0, 0), (1, 0), (1.001, 0.5), (1, 1), (0, 1), (0, 0)]),))
EAST = Division("110201", "东", (([(1, 1), (2, 1), (2, 0), (1, 0), (1.001, 0.5), (1, 1)]),))
ISLE = Division("120101", "岛", (([(3, 0), (3.1, 0), (3.1, 0.1), (3, 0.1), (3, 0)]),))

Features = list[dict[str, Any]]


@pytest.fixture(scope="module")
def ningxia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("basemap")
    with pytest.raises(SystemExit) as leaving:
        main(["basemap", str(folder)])
    assert leaving.value.code == 0
    return folder


def features(file: Path, layer: str) -> Features:
    found: Features = json.loads(file.read_text())["features"]
    return [feature for feature in found if feature["properties"]["layer"] == layer]


def names(found: Features) -> set[str]:
    return {feature["properties"].get("name", "") for feature in found}


def covers(feature: dict[str, Any], lon: float, lat: float) -> bool:
    """Whether a polygon holds a point, ring by ring, the slow way."""
    crossings = 0
    for (ring,) in feature["geometry"]["coordinates"]:
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) * (x2 - x1) / (y2 - y1):
                crossings += 1
    return crossings % 2 == 1


def test_neighbours_share_one_simplified_border() -> None:
    found = borders([WEST, EAST, ISLE], 1000.0)
    shared = [line.tolist() for line, sides in zip(found.arcs, found.sides, strict=True) if len(sides) == 2]
    assert [sorted(line) for line in shared] == [[[1.0, 0.0], [1.0, 1.0]]]
    for division in (0, 1):
        (ring,) = found.polygon(division)
        assert ring[0].tolist() == ring[-1].tolist()
        assert [1.001, 0.5] not in ring.tolist()
    assert len(found.polygon(2)[0]) == 5


def test_a_border_has_the_level_of_what_it_divides() -> None:
    levels = [
        feature["properties"]["level"]
        for feature in division_features([WEST, EAST], 1.0)
        if feature["properties"]["layer"] == "border"
    ]
    assert levels == ["city"]


def test_stretches_become_lines_between_junctions_and_a_loop_stays_closed() -> None:
    fork = [((0, 0), (1, 0)), ((1, 0), (2, 0)), ((2, 0), (3, 1)), ((2, 0), (3, -1)), ((3, 1), (4, 1))]
    loop = [((8, 8), (9, 8)), ((9, 8), (9, 9)), ((9, 9), (8, 8))]
    lines = [line.tolist() for line in chains([*fork, *loop])]
    assert sorted(len(line) for line in lines) == [2, 3, 3, 4]
    assert lines[-1][0] == lines[-1][-1] == [8, 8]


def test_the_files_are_small_and_name_their_sources(ningxia: Path) -> None:
    index = json.loads((ningxia / "index.json").read_text())
    assert [entry["file"] for entry in index["files"]] == ["china.json", "region.json"]
    assert "© OpenStreetMap contributors" in {source["text"] for source in index["attribution"]}
    assert (ningxia / "china.json").stat().st_size < 300_000
    assert (ningxia / "region.json").stat().st_size < 1_500_000
    for name in ("china.json", "region.json"):
        collection = json.loads((ningxia / name).read_text())
        assert {feature["properties"]["layer"] for feature in collection["features"]} <= set(LAYERS)
        assert "© OpenStreetMap contributors" in collection["attribution"]


def test_the_country_is_whole(ningxia: Path) -> None:
    china = ningxia / "china.json"
    assert len(names(features(china, "label")) & names(features(china, "division"))) >= 33
    assert "境界线" in names(features(china, "border"))
    assert {"宁夏回族自治区", "台湾省", "银川市", "拉萨市"} <= names(features(china, "label"))
    assert len(features(china, "lake")) > 10
    assert features(china, "river")


def test_ningxia_has_its_districts_roads_rivers_and_towns(ningxia: Path) -> None:
    region = ningxia / "region.json"
    districts = {feature["properties"]["name"]: feature for feature in features(region, "division")}
    assert len(districts) == 22
    assert covers(districts["兴庆区"], 106.29, 38.47)
    assert not covers(districts["金凤区"], 106.29, 38.47)
    roads = features(region, "road")
    assert {"G6", "G70", "G2012"} <= {road["properties"].get("ref") for road in roads}
    assert {"黄河", "清水河"} <= names(features(region, "river"))
    assert {"银川", "固原", "中卫"} <= names(features(region, "place"))
    levels = {feature["properties"]["level"] for feature in features(region, "border")}
    assert {"province", "city", "district"} <= levels


def test_a_name_stands_inside_its_division(ningxia: Path) -> None:
    region = ningxia / "region.json"
    at = {
        label["properties"]["code"]: label["geometry"]["coordinates"] for label in features(region, "label")
    }
    for district in features(region, "division"):
        assert covers(district, *at[district["properties"]["code"]]), district["properties"]["name"]


def test_the_yellow_river_passes_between_yinchuan_and_the_east(ningxia: Path) -> None:
    rivers = {river["properties"].get("name"): river for river in features(ningxia / "region.json", "river")}
    points = np.array(
        [point for line in rivers["黄河"]["geometry"]["coordinates"] for point in line], dtype=np.float64
    )
    beside_yinchuan = points[abs(points[:, 1] - 38.47) < 0.15]
    assert len(beside_yinchuan)
    assert (beside_yinchuan[:, 0] > 106.35).all()
    assert (beside_yinchuan[:, 0] < 106.7).all()


def test_a_feature_of_no_known_layer_is_refused_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.geojson"
    own.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"layer": "street"}, "geometry": null}]}'
    )
    with pytest.raises(SystemExit) as leaving:
        main(["basemap", str(tmp_path / "out"), "--add", str(own)])
    assert leaving.value.code == 3
    assert "features/0/properties/layer is 'street'" in capsys.readouterr().err


def test_a_region_without_a_division_is_refused() -> None:
    with pytest.raises(ValueError, match="no province"):
        files.find_region("99")
    assert files.find_region("4401").name == "广州市"
