"""`roadwatch admin` and `roadwatch audit` as commands: by the settings alone, in both languages, secrets shown once."""

import json
import stat
from pathlib import Path

import psycopg
import pytest

from services.api.identity import Role
from services.api.passwords import right
from services.cli.admin import main
from services.cli.logins import machine_user
from tests.conftest import RunRoadwatch


@pytest.fixture
def env(fresh_database_url: str) -> dict[str, str]:
    return {"ROADWATCH_DATABASE_URL": fresh_database_url}


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url) as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_an_account_is_made_listed_disabled_and_given_a_key(
    run_roadwatch: RunRoadwatch,
    env: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process: starting Python anew for each of so many commands takes minutes on a busy machine."""
    monkeypatch.setenv("ROADWATCH_DATABASE_URL", env["ROADWATCH_DATABASE_URL"])

    def admin(*arguments: str, code: int = 0) -> tuple[str, str]:
        found = main([*arguments, "--data", str(tmp_path)])
        said = capsys.readouterr()
        assert found == code, (arguments, said)
        return said.out, said.err

    out, err = admin(
        "create",
        "wang",
        "--role",
        "dispatcher",
        "--name",
        "王",
        "--divisions",
        "64,6401",
        "--classes",
        "coach",
    )
    password = out.splitlines()[-1]
    assert "初始密码" in err
    assert "first password" in err
    url = env["ROADWATCH_DATABASE_URL"]
    assert right(password, str(scalar(url, "SELECT password_hash FROM account")))
    assert scalar(url, "SELECT must_change FROM account") is True
    assert scalar(url, "SELECT divisions FROM account") == ["64", "6401"]
    (row,) = json.loads(admin("list", "--json")[0])
    assert (row["login"], row["role"], row["classes"], row["active"]) == (
        "wang",
        "dispatcher",
        ["coach"],
        True,
    )
    assert "divisions=64,6401" in admin("list")[0]
    key = admin("key", "wang", "--name", "sync", "--scopes", "alerts:read,vehicles:read")[0].strip()
    assert key.startswith("rw_")
    for command, standing in (("disable", "disabled"), ("enable", "active"), ("unlock", "active")):
        admin(command, "wang")
        assert standing in admin("list")[0]
    assert admin("reset", "wang")[0].strip() != password
    live = "SELECT count(*) FROM api_key WHERE revoked_at IS NULL"
    assert scalar(url, live) == 1
    admin("reset", "wang", "--revoke-keys")
    assert scalar(url, live) == 0
    assert (
        scalar(url, "SELECT DISTINCT credential || '/' || credential_id FROM audit")
        == f"command/{machine_user()}"
    )
    _, err = admin("create", "wang", "--role", "partner", "--name", "x", code=3)
    assert "wang" in err
    admin("disable", "nobody", code=3)
    _, err = admin("key", "wang", "--name", "k", "--scopes", "audit:read", code=3)
    assert "audit:read" in err
    admin("create", "Wang", "--role", "partner", "--name", "x", code=2)
    admin("create", "li", "--role", "king", "--name", "x", code=2)
    admin("create", "sec", "--role", "security_admin", "--name", "安全")
    admin("disable", "sec", code=3)
    audit = run_roadwatch("audit", "verify", "--json", "--data", tmp_path, env=env)
    assert (audit.returncode, json.loads(audit.stdout)["reason"]) == (0, None)
    assert json.loads(audit.stdout)["rows"] == scalar(url, "SELECT count(*) FROM audit") == 8
    assert not scalar(
        url, f"SELECT count(*) FROM audit WHERE detail LIKE '%{password}%' OR detail LIKE '%{key}%'"
    )


def test_the_demo_has_an_account_of_every_role_made_once(
    run_roadwatch: RunRoadwatch, env: dict[str, str], tmp_path: Path
) -> None:
    logins = tmp_path / "logins"
    for _ in range(2):
        done = run_roadwatch("admin", "demo", "--logins", logins, "--data", tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    assert stat.S_IMODE(logins.stat().st_mode) == 0o600
    lines = [line.split() for line in logins.read_text().splitlines()]
    assert {line[2] for line in lines} == {role.value for role in Role}
    with psycopg.connect(env["ROADWATCH_DATABASE_URL"]) as conn:
        kept: dict[str, str] = dict(
            conn.execute("SELECT login, password_hash FROM account WHERE NOT must_change").fetchall()
        )
    assert all(right(line[1], kept[line[0]]) for line in lines)
    assert len(kept) == len(lines)


def test_the_first_administrator_is_made_when_there_is_nobody(
    run_roadwatch: RunRoadwatch, env: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "first-login"
    run_roadwatch("admin", "first", "--out", out, "--data", tmp_path, env=env)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_text().startswith("security ")
    out.unlink()
    assert run_roadwatch("admin", "first", "--out", out, "--data", tmp_path, env=env).returncode == 0
    assert not out.exists()
    assert scalar(env["ROADWATCH_DATABASE_URL"], "SELECT must_change FROM account") is True


def test_what_is_lacking_is_said(
    run_roadwatch: RunRoadwatch, empty_database_url: str, tmp_path: Path
) -> None:
    for command in (("admin", "list"), ("audit", "verify")):
        done = run_roadwatch(*command, "--data", tmp_path, env={"ROADWATCH_DATABASE_URL": empty_database_url})
        assert (done.returncode, "roadwatch migrate" in done.stderr) == (1, True)
        away = run_roadwatch(
            *command, "--data", tmp_path, env={"ROADWATCH_DATABASE_URL": "postgresql://x@127.0.0.1:9/x"}
        )
        assert (away.returncode, len(away.stderr.splitlines())) == (1, 1)
