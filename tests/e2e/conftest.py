"""A browser and a system; in a pytest process of its own, since Playwright's sync API and pytest-asyncio cannot share one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from services.runtime.kafka import make_topics  # noqa: F401 - the settings' topics are made by `running`
from services.runtime.servers import Addresses
from services.runtime.servers.process import free_port
from services.runtime.settings import Settings
from tests.api.accounts import PASSWORD
from tests.conftest import RunRoadwatch
from tests.e2e.proxy import Cable
from tests.e2e.system import System, running

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 20_000

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def system(
    addresses: Addresses, database_url_for_all: str, tmp_path_factory: pytest.TempPathFactory, run_roadwatch: RunRoadwatch
) -> Iterator[System]:  # fmt: skip
    """One system for all tests of the session."""
    settings = Settings(
        kafka_bootstrap=addresses.kafka_bootstrap, database_url=database_url_for_all, topic_prefix="e2e.", token="t" * 32
    )  # fmt: skip
    with running(settings, tmp_path_factory.mktemp("e2e"), run_roadwatch) as found:
        yield found


@pytest.fixture(scope="session")
def database_url_for_all(addresses: Addresses, database_template: str) -> Iterator[str]:
    """A migrated database for the session."""
    from tests.conftest import _fresh_database  # noqa: PLC0415 - a helper of the fixtures

    yield from _fresh_database(addresses.database_url, database_template)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; Playwright's own browsers are not fetched."""
    assert Path(CHROMIUM).exists(), "chromium is missing: make install"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def cable(system: System) -> Iterator[Cable]:
    """The way to the api, which a test may cut."""
    found = Cable(free_port(), system.port)
    yield found
    found.close()


class Watcher:
    """What a page must not do: ask elsewhere, break the policy, fail."""

    def __init__(self, context: BrowserContext) -> None:
        """Watches every page of the context."""
        self.foreign: list[str] = []
        self.said: list[str] = []
        context.on(
            "request", lambda request: self.foreign.append(request.url) if not _ours(request.url) else None
        )
        context.on("console", lambda message: self.said.append(message.text) if "Content Security Policy" in message.text else None)  # fmt: skip
        context.on("response", lambda answer: self.said.append(f"{answer.status} {answer.url}") if wrongly_asked(answer) else None)  # fmt: skip
        context.on("weberror", lambda error: self.said.append(str(error.error)))


def wrongly_asked(answer: Response) -> bool:
    """Whether a page asked for what there is not, or in a way that the api refuses: a fault of the console's own."""
    return answer.status in {400, 404, 405, 415}


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:http://127.0.0.1:"))


@pytest.fixture
def sign_in(chromium: Browser, system: System) -> Iterator[SignIn]:
    """Signs an account in with a browser profile of its own and gives its page."""
    contexts: list[tuple[BrowserContext, Watcher]] = []

    def enter(
        login: str, *, port: int | None = None, path: str = "/", theme: str = "dark", language: str = "zh"
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        contexts.append((context, Watcher(context)))
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(
            f"if (location.protocol === 'http:') {{ localStorage.setItem('theme', '{theme}'); localStorage.setItem('language', '{language}') }}"
        )
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port or system.port}{path}")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".shell")
        return page

    yield enter
    for context, watcher in contexts:
        context.close()
        assert watcher.foreign == []
        assert watcher.said == []
