"""Whether a request is formed as its operation is documented: no parameter that there is not, and a body that is JSON.

What an operation takes is read from the OpenAPI document itself, so that what is documented and what is let through cannot differ.
"""

from typing import Any

from fastapi import Request

from services.api.parameters import MESSAGES
from services.api.problems import Fault, Problem

JSON = "application/json"
OTHERS_PARAMETERS = frozenset({"end_oidc"})
"""Operations that take what they do not know: an identity provider may add parameters to its answer, which must be ignored (RFC 6749, 4.1.2)."""
LONGEST_NAME = 100

Known = dict[str, tuple[str, ...]]


def known_parameters(document: dict[str, Any]) -> Known:
    """The names of the query parameters of each operation of an OpenAPI document."""
    return {
        operation["operationId"]: tuple(
            parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
        )
        for item in document["paths"].values()
        for operation in item.values()
    }


async def well_formed(request: Request) -> None:
    """Refuse what the operation does not take; a dependency of every route.

    Raises:
        Problem: `unknown-parameter`, `unsupported-media-type`.
    """
    route = request.scope["route"]
    known: tuple[str, ...] = request.app.state.parameters[route.name]
    if route.name not in OTHERS_PARAMETERS:
        refuse_unknown([name for name in request.query_params if name not in known], known)
    if route.body_field is not None and await request.body() and not is_json(request):
        given = request.headers.get("content-type", "")[:LONGEST_NAME] or "-"
        raise Problem("unsupported-media-type", {"given": given}, headers={"accept": JSON})


def refuse_unknown(unknown: list[str], known: tuple[str, ...]) -> None:
    """Name parameters that there are not, and those that there are.

    Raises:
        Problem: `unknown-parameter`, if there is one.
    """
    if not unknown:
        return
    names = [name[:LONGEST_NAME] for name in dict.fromkeys(unknown)]
    listed = ", ".join(known)
    words = {"names": ", ".join(names), "known_zh": listed or "无", "known_en": listed or "none"}
    faults = tuple(
        Fault("#/query/" + name.replace("~", "~0").replace("/", "~1"), *MESSAGES["extra_forbidden"])
        for name in names
    )
    raise Problem("unknown-parameter", words, faults, more={"known": list(known)})


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON; one that says nothing does not."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == JSON or (media_type.startswith("application/") and media_type.endswith("+json"))
