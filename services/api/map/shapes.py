"""The shapes of the map's answers for OpenAPI."""

from typing import Any, Literal

from pydantic import Field

from services.api.schemas import Shape


class Drawn(Shape):
    """Base of what is GeoJSON: `reference` names the schema, which the app puts into the document (`app.SHAPES`)."""

    @classmethod
    def reference(cls) -> dict[str, str]:
        """Where its schema stands."""
        return {"$ref": f"#/components/schemas/{cls.__name__}"}


class LineGeometry(Shape):
    """A line, WGS-84."""

    type: Literal["LineString"]
    coordinates: list[list[float]]


class AreaGeometry(Shape):
    """An area, WGS-84."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


class RoadProperties(Shape):
    """A road segment; limits in km/h, null where none is posted."""

    id: int
    road_class: Literal["expressway", "highway", "urban_expressway", "urban", "rural", "mountain"] = Field(
        alias="class"
    )
    name: str | None
    ref: str | None
    limit_kmh: float | None
    night_limit_kmh: float | None
    class_limits_kmh: dict[str, float] = Field(description="limits of a vehicle class, above the general one")
    oneway: bool
    tunnel: bool
    bridge: bool


class RoadFeature(Shape):
    """A road segment."""

    type: Literal["Feature"]
    geometry: LineGeometry
    properties: RoadProperties


class RoadCollection(Drawn):
    """Roads; `truncated`: there are more."""

    type: Literal["FeatureCollection"]
    features: list[RoadFeature]
    truncated: bool


class ZoneProperties(Shape):
    """A zone: what it is, for whom and when."""

    zone: str
    name: str
    kind: Literal["forbidden", "hazard_section", "school", "parking", "dead_zone", "depot"]
    drawn: Literal["line", "area"] = Field(description="how the registry has it")
    buffer_m: float
    classes: list[str] = Field(description="vehicle classes; none: all")
    limit_kmh: float | None
    hours: list[list[str]] = Field(description="[from, to] as HH:MM in China; none: always")
    days: list[str] = Field(description="Mo Tu We Th Fr Sa Su; none: every day")
    dates: list[list[str]] = Field(description="[from, to], local days, both included; none: every day")
    except_dates: list[list[str]] = Field(description="[from, to], local days on which it does not hold")
    from_: str | None = Field(alias="from", json_schema_extra={"format": "date-time"})
    to: str | None = Field(json_schema_extra={"format": "date-time"})
    reason: str | None


class ZoneFeature(Shape):
    """A zone."""

    type: Literal["Feature"]
    geometry: AreaGeometry
    properties: ZoneProperties


class ZoneCollection(Drawn):
    """Zones; `truncated`: there are more."""

    type: Literal["FeatureCollection"]
    features: list[ZoneFeature]
    truncated: bool


class RouteHead(Shape):
    """A route in a list."""

    route: str
    name: str
    length_m: int
    half_width_m: list[float] = Field(
        min_length=2, max_length=2, description="least and greatest of its legs"
    )
    stops: int


class RouteInList(Shape):
    """A route, its line simplified."""

    type: Literal["Feature"]
    geometry: LineGeometry
    properties: RouteHead


class RouteCollection(Drawn):
    """Routes; `truncated`: there are more."""

    type: Literal["FeatureCollection"]
    features: list[RouteInList]
    truncated: bool


class RouteStop(Shape):
    """A stop."""

    name: str
    lon: float
    lat: float
    radius_m: float = 50.0


class RouteDetail(Shape):
    """A route with all that judging knows of it."""

    route: str
    name: str
    length_m: int
    half_width_m: list[float] = Field(min_length=2, max_length=2)
    leg_half_widths_m: list[float] = Field(description="leg i lies between the coordinates i and i+1")
    stops: list[RouteStop]
    corridor: AreaGeometry = Field(
        description="within it a vehicle is on the route, the rule's margin not included"
    )


class RouteFeature(Drawn):
    """A route as judged."""

    type: Literal["Feature"]
    geometry: LineGeometry
    properties: RouteDetail


def all_shapes() -> tuple[type[Drawn], ...]:
    """Those that the document must hold."""
    return tuple(shape for shape in Drawn.__subclasses__())
