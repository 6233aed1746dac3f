"""What requests about handling carry."""

from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from services.api.parameters import Time, wrong
from services.api.sessions import Body
from services.contracts.handling import Resolution, Supervision

MOST_ITEMS = 200


def _readable(value: str) -> str:
    if not value.strip():
        raise wrong("string_too_short")
    if not value.replace("\n", "").replace("\t", "").isprintable():
        raise wrong("text")
    return value


Said = Annotated[
    str,
    Field(min_length=1, max_length=2000, description="说明 · what is to be said about it"),
    AfterValidator(_readable),
]
AccountName = Annotated[
    str,
    Field(min_length=1, max_length=64, description="账号编号或登录名 · an account's id or login"),
    AfterValidator(_readable),
]
AlertName = Annotated[str, Field(min_length=1, max_length=64)]


class Note(Body):
    """Nothing but, if wanted, a word."""

    text: Said | None = None


class Assignment(Body):
    """Who shall do it."""

    account: AccountName
    text: Said | None = None


class Comment(Body):
    """A word that must be said."""

    text: Said


class Supervising(Body):
    """How pressing, and until when it must be resolved."""

    level: Supervision
    due: Annotated[Time, Field(description="办结期限 · to be resolved until")]
    text: Said | None = None


class Resolving(Body):
    """What came of it."""

    reason: Resolution
    text: Said | None = None


class Seen(Body):
    """An alert and the version of its handling that was seen."""

    id: AlertName
    version: Annotated[
        StrictInt,
        Field(
            ge=0, le=2**31 - 1, description="处理版本,即 ETag · version of its handling, which is its ETag"
        ),
    ]


class Acknowledging(Body):
    """Alerts to acknowledge, each for itself."""

    items: Annotated[list[Seen], Field(min_length=1, max_length=MOST_ITEMS)]
    text: Said | None = None
