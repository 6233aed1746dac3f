"""Which alerts a client wants: one set of conditions, asked of the list in SQL and of the stream's events in memory.

An event is matched by the document it carries, so a filter by state sees an alert leave that state no more than the list does.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import msgspec
from pydantic import Field, model_validator

from services.api.identity import EVERYWHERE, Scope
from services.api.parameters import (
    Box,
    BoxText,
    Classes,
    Divisions,
    Handlings,
    Kinds,
    Names,
    Query,
    Rules,
    Severities,
    States,
    Time,
    VehicleNames,
    box_of,
    parse_time,
    parse_vehicle,
    time_ms,
    wrong,
)
from services.contracts.alert import AlertVehicle, Moment
from services.store.times import to_ms


class AlertConditions(Query):
    """The filters of `/v1/alerts` and `/v1/alerts/stream`; several values of one are alternatives, several filters must all hold."""

    rule: Rules = Field(default=[], description="规则 · rules")
    kind: Kinds = Field(default=[], description="类型 · kinds")
    vehicle_class: Classes = Field(default=[], alias="class", description="车辆类别 · vehicle classes")
    operator: Names = Field(
        default=[], description="企业名称(重复参数表示多个)· operators by name, repeat for several"
    )
    division: Divisions = Field(
        default=[], description="行政区划代码前缀 · prefixes of division codes (GB/T 2260)"
    )
    state: States = Field(default=[], description="状态 · states of the episode")
    handling: Handlings = Field(default=[], description="处理状态 · states of handling")
    severity: Severities = Field(default=[], description="等级 · severities")
    vehicle: VehicleNames = Field(
        default=[], description="车辆编号或 车牌/颜色 · vehicle ids or plate/colour"
    )
    from_: Time | None = Field(default=None, alias="from", description="开始时间不早于 · began at or after")
    to: Time | None = Field(default=None, description="开始时间早于 · began before")
    bbox: BoxText | None = Field(
        default=None, description="西,南,东,北 · west,south,east,north of the place of the peak, WGS-84"
    )

    @model_validator(mode="after")
    def _period(self) -> "AlertConditions":
        if self.from_ is not None and self.to is not None and parse_time(self.from_) >= parse_time(self.to):
            raise wrong("period")
        return self

    def wanted(self) -> "Wanted":
        """The conditions as a value."""
        vehicles = [parse_vehicle(name) for name in self.vehicle]
        return Wanted(
            rules=frozenset(self.rule),
            kinds=frozenset(self.kind),
            classes=frozenset(self.vehicle_class),
            operators=frozenset(self.operator),
            divisions=tuple(sorted(set(self.division))),
            states=frozenset(self.state),
            handlings=frozenset(self.handling),
            severities=frozenset(self.severity),
            vehicle_ids=frozenset(name for name in vehicles if isinstance(name, int)),
            vehicle_keys=frozenset(name for name in vehicles if not isinstance(name, int)),
            from_ms=time_ms(self.from_),
            to_ms=time_ms(self.to),
            box=box_of(self.bbox),
        )


class Facts(msgspec.Struct, frozen=True):
    """What conditions ask of an alert's document."""

    rule: str
    kind: str
    vehicle: AlertVehicle
    state: str
    severity: str
    handling: str
    began: str
    at: Moment


FACTS = msgspec.json.Decoder(Facts)


@dataclass(frozen=True)
class Wanted:
    """Conditions as a value: equal ones are judged once for all who have them. An empty set asks for nothing."""

    rules: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    divisions: tuple[str, ...] = ()
    states: frozenset[str] = frozenset()
    handlings: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    vehicle_ids: frozenset[int] = frozenset()
    vehicle_keys: frozenset[tuple[str, str]] = frozenset()
    from_ms: int | None = None
    to_ms: int | None = None
    box: Box | None = None
    scope: Scope = EVERYWHERE
    drivers: bool = True  # no condition: whether what is told names drivers

    @cached_property
    def everything(self) -> bool:
        """Whether there is no condition."""
        return self == Wanted(drivers=self.drivers)

    @cached_property
    def text(self) -> str:
        """The conditions as text, equal for equal ones: what a cursor is bound to."""
        values = (getattr(self, field.name) for field in fields(self))
        return repr([sorted(value) if isinstance(value, frozenset) else value for value in values])

    def matches(self, facts: Facts) -> bool:
        """Whether an alert meets all conditions."""
        return (
            self._in_scope(facts.vehicle)
            and self._codes(facts)
            and self._vehicle(facts.vehicle)
            and self._when_and_where(facts)
        )

    def within(self, scope: Scope, *, drivers: bool = True) -> "Wanted":
        """The same conditions for somebody who sees no more than this."""
        return replace(self, scope=scope, drivers=drivers)

    def _in_scope(self, vehicle: AlertVehicle) -> bool:
        return self.scope.sees(vehicle.division, vehicle.operator, vehicle.vehicle_class)

    def _codes(self, facts: Facts) -> bool:
        return (
            (not self.rules or facts.rule in self.rules)
            and (not self.kinds or facts.kind in self.kinds)
            and (not self.states or facts.state in self.states)
            and (not self.handlings or facts.handling in self.handlings)
            and (not self.severities or facts.severity in self.severities)
        )

    def _vehicle(self, vehicle: AlertVehicle) -> bool:
        return (
            (not self.classes or vehicle.vehicle_class in self.classes)
            and (not self.operators or vehicle.operator in self.operators)
            and (not self.divisions or vehicle.division.startswith(self.divisions))
            and (
                not (self.vehicle_ids or self.vehicle_keys)
                or vehicle.id in self.vehicle_ids
                or (vehicle.plate, vehicle.plate_color) in self.vehicle_keys
            )
        )

    def _when_and_where(self, facts: Facts) -> bool:
        if self.from_ms is not None or self.to_ms is not None:
            began_ms = to_ms(parse_time(facts.began))
            if self.from_ms is not None and began_ms < self.from_ms:
                return False
            if self.to_ms is not None and began_ms >= self.to_ms:
                return False
        if self.box is None:
            return True
        west, south, east, north = self.box
        return west <= facts.at.lon <= east and south <= facts.at.lat <= north
