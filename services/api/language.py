"""Which of the two languages a reader asks for: Chinese unless English is preferred, since most readers are dispatchers in China."""

from typing import Literal

from starlette.types import Scope

Language = Literal["zh", "en"]

CONTENT_LANGUAGE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


def preferred(accept_language: str) -> Language:
    """The better of zh and en by the quality values of `Accept-Language`; zh when nothing decides."""
    best: dict[str, float] = {}
    for part in accept_language.lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().partition("-")[0]
        best[primary] = max(best.get(primary, 0.0), _quality(parameter))
    rest = best.get("*", 0.0)
    return "en" if best.get("en", rest) > best.get("zh", rest) else "zh"


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def language_of(scope: Scope) -> Language:
    """The language of a request."""
    found = [
        value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"accept-language"
    ]
    return preferred(",".join(found))
