"""The console's pages: one document for every path of it, its built files below `/console/`, and the page that lists the operations.

`make install` builds them from `services/api/console` into its `dist/`. Where that has not happened the api works all the same, and says here
what to do. Shells hold nothing of anybody's: they are answered to everyone, and ask who is there themselves.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

CONSOLE = Path(__file__).with_name("console") / "dist"
PREFIX = "/console/"
DOCS = "/docs"
SHELLS = re.compile(r"/(?:(?:alerts|vehicles|search|handover|govern|wall)(?:/.*)?)?")
"""The paths that the console itself makes sense of (`console/src/app/pages.tsx`)."""
ALWAYS_ASK = {"cache-control": "no-cache"}
FOR_EVER = "public, max-age=31536000, immutable"
"""Of files whose names change with their content."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{tiles}; img-src 'self'{tiles} data: blob:; worker-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing inline and nothing from elsewhere but map tiles, where a server of them is set; `data:` and `blob:` are pictures that the map makes itself."""
NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>路哨</title>
<h1>路哨 Roadwatch</h1>
<p>控制台尚未构建。请执行 <code>make install</code>,然后刷新本页。接口照常可用。</p>
<p>The console has not been built: run <code>make install</code> and reload. The api works all the same.</p></html>
"""


def policy_of(tiles_url: str) -> str:
    """The pages' content security policy; `tiles_url` as in the settings."""
    address = urlsplit(tiles_url)
    return POLICY.format(tiles=f" {address.scheme}://{address.netloc}" if tiles_url else "")


def is_page(path: str) -> bool:
    """Whether a path is one of the console's, which are answered without asking who is there."""
    return path == DOCS or path.startswith(PREFIX) or SHELLS.fullmatch(path) is not None


class Built(StaticFiles):
    """The built files; what has a digest in its name need never be asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or 404."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = (
            FOR_EVER if path.startswith("assets/") else ALWAYS_ASK["cache-control"]
        )
        return response


def add_pages(app: FastAPI, folder: Path = CONSOLE) -> None:
    """Serve what was built into `folder`."""

    def document(name: str) -> Response:
        file = folder / name
        return (
            FileResponse(file, headers=ALWAYS_ASK)
            if file.is_file()
            else HTMLResponse(NOT_BUILT, headers=ALWAYS_ASK)
        )

    async def console() -> Response:
        return document("index.html")

    async def operations() -> Response:
        return document("docs.html")

    for path in ("/", "/search", "/handover", "/wall"):
        app.add_api_route(path, console, include_in_schema=False)
    for path in ("/alerts", "/vehicles", "/govern"):
        app.add_api_route(path, console, include_in_schema=False)
        app.add_api_route(path + "/{rest:path}", console, include_in_schema=False)
    app.add_api_route(DOCS, operations, include_in_schema=False)
    app.mount("/console", Built(directory=folder, check_dir=False), name="console")
