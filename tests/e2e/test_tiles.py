"""Map tiles of another server: drawn where one is set, asked of that server alone; without the setting nobody is asked (`conftest.Watcher`)."""

import base64
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import SignIn
from tests.e2e.system import System
from tests.e2e.test_dispatcher import until

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class TileServer(ThreadingHTTPServer):
    """Answers every tile with one pixel and keeps what it was asked for."""

    def __init__(self) -> None:
        """On a free port of loopback."""
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Tile)


class Tile(BaseHTTPRequestHandler):
    """One tile."""

    server: TileServer

    def do_GET(self) -> None:
        """A pixel, which may be drawn by a page of another origin."""
        self.server.asked.append(self.path)
        self.send_response(200)
        for name, value in (("content-type", "image/png"), ("access-control-allow-origin", "*")):
            self.send_header(name, value)
        self.send_header("content-length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def tiles() -> Iterator[TileServer]:
    server = TileServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.timeout(120)
def test_tiles_are_drawn_where_a_server_is_set(
    system: System, sign_in: SignIn, tiles: TileServer, tmp_path: Path
) -> None:
    origin = f"http://127.0.0.1:{tiles.server_port}"
    with system.another_api(
        tmp_path, ROADWATCH_TILES_URL=origin + "/{z}/{x}/{y}.png?tk=abc", ROADWATCH_TILES_CREDIT="© 某地图"
    ) as port:
        page = sign_in("zhang", port=port)
        answer = page.request.get(f"http://127.0.0.1:{port}/")
        assert f"connect-src 'self' {origin};" in answer.headers["content-security-policy"]
        until(lambda: len(tiles.asked), lambda count: count >= 4)
        assert all(re.fullmatch(r"/\d+/\d+/\d+\.png\?tk=abc", path) for path in tiles.asked)
        assert "© 某地图" in page.locator(".map-credit").inner_text()
        meta = page.request.get(f"http://127.0.0.1:{port}/v1/meta").json()
        assert meta["tiles"] == {"url": origin + "/{z}/{x}/{y}.png?tk=abc", "credit": "© 某地图"}
