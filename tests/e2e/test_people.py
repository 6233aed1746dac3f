"""Giving access by the console: a password given anew takes the keys with it if asked, and the audit's page names the session."""

import httpx2
import pytest
from playwright.sync_api import expect

from tests.api.accounts import PASSWORD
from tests.e2e.conftest import SignIn
from tests.e2e.system import System

pytestmark = pytest.mark.timeout(240)


def test_a_reset_takes_the_keys_and_the_audit_names_the_session(system: System, sign_in: SignIn) -> None:
    base = f"http://127.0.0.1:{system.port}"
    with httpx2.Client(base_url=base, trust_env=False, headers={"sec-fetch-site": "same-origin"}) as client:
        me = client.post("/v1/session", json={"login": "an", "password": PASSWORD}).json()
        bot = client.post("/v1/accounts", json={"login": "bot", "name": "程序", "role": "partner"}).json()
        key = client.post(
            f"/v1/accounts/{bot['id']}/keys", json={"name": "k", "scopes": ["alerts:read"]}
        ).json()
    headers = {"authorization": f"Bearer {key['key']}"}
    assert httpx2.get(f"{base}/v1/alerts", headers=headers, trust_env=False).status_code == 200
    page = sign_in("an", path="/govern/accounts")
    page.locator("tr", has_text="bot").get_by_role("button", name="重置密码").click()
    page.get_by_label("同时停用全部密钥").check()
    page.get_by_role("button", name="确定").click()
    expect(page.locator("code.secret")).to_contain_text("bot")
    assert httpx2.get(f"{base}/v1/alerts", headers=headers, trust_env=False).status_code == 401
    page = sign_in("shen", path="/govern/audit")
    page.locator("input[name=credential_id]").fill(me["credential_id"])
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("tbody tr")).to_have_count(3)  # signed in, made an account, made a key
    expect(page.locator("tbody tr").first).to_contain_text(f"会话 {me['credential_id']}")
