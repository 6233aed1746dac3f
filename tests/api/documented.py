"""Answers held against the document as they come in: whatever test asks, a header that is not documented fails it."""

import re
from functools import cache
from typing import Any

import httpx2

from services.api.app import document

OF_HTTP = frozenset({"date", "content-type", "content-length", "transfer-encoding", "connection", "server"})
"""HTTP's own, which OpenAPI does not describe."""
OF_PAGES = frozenset({"last-modified", "accept-ranges", "etag", "content-range"})
"""Of the console's files, which are no operations."""
METHODS = ("get", "post", "put", "patch", "delete")


@cache
def _paths() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    found = sorted(document()["paths"].items(), key=lambda entry: entry[0].count("{"))
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace("{network}", ".+"))), item)
        for path, item in found
    ]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation that a request is; None: it is none."""
    method = "get" if method == "HEAD" else method.lower()
    for pattern, item in _paths():
        if pattern.fullmatch(path) and method in item:
            operation: dict[str, Any] = item[method]
            return operation
    return None


def headers_of(operation: dict[str, Any] | None, status: int) -> set[str]:
    """The headers that an answer may carry, in lower case."""
    described = {} if operation is None else operation["responses"].get(str(status), {})
    names = {*document()["x-headers-of-every-answer"], *described.get("headers", ())}
    if operation is None:
        names |= {"Content-Language", "WWW-Authenticate", "Allow", "Retry-After", "RateLimit", "RateLimit-Policy", "Accept-Encoding", *OF_PAGES}  # fmt: skip
    return {name.lower() for name in names} | OF_HTTP


async def check(response: httpx2.Response) -> None:
    """A hook of a test's client."""
    operation = operation_of(response.request.method, response.request.url.path)
    if operation is not None and str(response.status_code) not in operation["responses"]:
        return  # whether a status is documented is for the fuzz tests to say
    unknown = {name.lower() for name in response.headers} - headers_of(operation, response.status_code)
    assert not unknown, (
        f"{response.request.method} {response.request.url.path} {response.status_code}: {unknown} not documented"
    )
