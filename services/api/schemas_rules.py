"""The shapes of the rules' answers for OpenAPI."""

from typing import Any, Literal

from pydantic import Field

from services.api.schemas import Sentence, Shape


class RuleKind(Shape):
    """What a rule may find."""

    code: str
    zh: str
    en: str


class RuleParameter(Shape):
    """A parameter: its value now, its default, and the set that changed it (null: the default holds)."""

    name: str
    zh: str
    en: str
    shape: Literal[
        "number",
        "integer",
        "window",
        "by_class",
        "by_class_and_road",
        "by_kind",
        "boolean",
        "classes",
        "severities",
    ]
    unit: str
    low: float
    high: float
    source: str = Field(description="the clause, standard or measurement that it comes from")
    default: Any
    value: Any = Field(description="in force now")
    set: int | None
    from_: str | None = Field(alias="from", json_schema_extra={"format": "date-time"})
    to: str | None = Field(json_schema_extra={"format": "date-time"})


class RuleDetail(Shape):
    """A rule."""

    rule: str
    zh: str
    en: str
    flags: Sentence = Field(description="what it flags")
    basis: Sentence = Field(description="on what law")
    course: Sentence = Field(description="when an alert opens, escalates, closes")
    ignores: Sentence
    kinds: list[RuleKind]
    parameters: list[RuleParameter]


class RuleSetDetail(Shape):
    """A rule set as imported: what it changes, for which event times."""

    version: int
    parameters: dict[str, dict[str, Any]]
    from_: str | None = Field(alias="from", json_schema_extra={"format": "date-time"})
    to: str | None = Field(json_schema_extra={"format": "date-time"})
    basis: str | None
    created: str = Field(json_schema_extra={"format": "date-time"})
    state: Literal["in_force", "other_time", "superseded"]


class RuleList(Shape):
    """All rules, and the latest sets."""

    items: list[RuleDetail]
    sets: list[RuleSetDetail]
    registry: int | None = Field(
        description="version of registry, map and rules that is judged by; null: none yet"
    )
    imported: int | None = Field(
        description="the newest version; a greater one than `registry` is on its way"
    )
