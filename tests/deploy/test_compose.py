"""The compose file and the Dockerfile, checked as data: no Docker engine is asked, so they must agree with the code and with each other."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.main import COMMANDS
from services.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
OURS = ("migrate", "topics", "ingest", "recorder", "rules", "api", "webhooks", "simulator")
ONCE = ("migrate", "topics", "simulator")
OUTSIDE_SETTINGS = {"ROADWATCH_STATUS_FILE", "ROADWATCH_PROCESS"}


@cache
def compose() -> dict[str, Any]:
    """The whole file, merge keys resolved."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(document, dict)
    return document


def services() -> dict[str, dict[str, Any]]:
    found = compose()["services"]
    assert isinstance(found, dict)
    return found


@cache
def dockerfile() -> str:
    return (ROOT / "deploy" / "Dockerfile").read_text()


def test_it_runs_every_process_of_up() -> None:
    from services.cli.up import PYTHON_SERVICES, SETUP  # noqa: PLC0415 - named beside what it is compared with

    commands = {name: service.get("command") for name, service in services().items()}
    for name, module in PYTHON_SERVICES:
        assert commands[name] == ["python", "-m", *module]
    for name in SETUP:
        if name != "accounts":  # under Docker the first account is made by hand (docs/people.md)
            assert commands[name] == ["roadwatch", name]
    assert set(commands) == {"kafka", "postgres", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    command = services()[name]["command"]
    if command[0] == "roadwatch":
        assert command[1] in COMMANDS
    else:
        module = ROOT.joinpath(*command[2].split("."))
        assert (module / "__main__.py").exists()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {f"ROADWATCH_{field.upper()}" for field in Settings.model_fields} | OUTSIDE_SETTINGS
    given = set(services()[name]["environment"])
    assert given <= known
    assert {"ROADWATCH_KAFKA_BOOTSTRAP", "ROADWATCH_DATABASE_URL", "ROADWATCH_TOKEN"} <= given
    image = set(re.findall(r"(ROADWATCH_[A-Z_]+)=", dockerfile()))
    assert image
    assert image <= known


def test_every_value_passes_validation() -> None:
    given = {
        name.removeprefix("ROADWATCH_").lower(): value
        for name, value in services()["api"]["environment"].items()
    }
    settings = Settings(**given)
    assert settings.http_host == "0.0.0.0"  # noqa: S104 - inside the container; published on loopback alone
    assert settings.kafka_bootstrap == "kafka:9092"


@pytest.mark.parametrize("name", sorted({"kafka", "postgres", *OURS}))
def test_every_image_is_pinned(name: str) -> None:
    tag = services()[name]["image"].partition(":")[2]
    assert re.match(r"\d+(\.|-)\d", tag), f"{name}: {services()[name]['image']}"


def test_base_image_is_pinned_and_kafka_is_the_tested_one() -> None:
    assert re.findall(r"^FROM (\S+)", dockerfile(), re.MULTILINE) == [
        "${PYTHON}",
        "${NODE}",
        "sources",
        "${PYTHON}",
    ]
    assert re.search(r"^ARG PYTHON=python:3\.11\.\d+-", dockerfile(), re.MULTILINE)
    pinned = re.search(
        r"<kafka.version>(.*)</kafka.version>", (ROOT / "deploy" / "local" / "pom.xml").read_text()
    )
    assert pinned is not None
    assert services()["kafka"]["image"] == f"apache/kafka:{pinned[1]}"


@pytest.mark.parametrize("name", sorted({"kafka", "postgres", *OURS}))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    check = services()[name]["healthcheck"]
    if name in ONCE:
        assert check == {"disable": True}
        assert services()[name]["restart"] == "no"
    else:
        assert check["test"][0] == "CMD"
        assert services()[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_nothing_but_their_volumes(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - a tmpfs of the container
    assert "user" not in service, "the image's own user runs it"


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)", dockerfile(), re.MULTILINE)[-1] == "10001:10001"


def test_every_volume_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in services().values() for volume in service.get("volumes", [])}
    assert used == set(compose()["volumes"])


def test_only_the_api_is_published_and_on_loopback() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:8080:8080"]}


def test_what_is_waited_for_can_become_true() -> None:
    """A one-shot is waited for by its end, a server by its health; the other way round compose would wait for ever."""
    for name, service in services().items():
        for other, wanted in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert wanted == {"condition": expected}, f"{name} -> {other}"


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    values = re.findall(r"(?:PASSWORD|TOKEN): (\S+)", text)
    assert values
    assert all(value.startswith("${") for value in values)


def test_the_same_broker_settings_as_the_private_kafka() -> None:
    ours = (ROOT / "services" / "runtime" / "servers" / "kafka.properties").read_text()
    environment = services()["kafka"]["environment"]
    for name in (
        "auto.create.topics.enable",
        "offsets.topic.replication.factor",
        "group.initial.rebalance.delay.ms",
    ):
        variable = "KAFKA_" + name.replace(".", "_").upper()
        assert f"{name}={environment[variable]}\n" in ours
    assert environment["KAFKA_MESSAGE_MAX_BYTES"] == str(4 * 1024 * 1024)


def test_the_dockerfile_copies_only_what_reaches_the_builder() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile(), re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_installs_what_was_tested() -> None:
    """Its lock is cut from the one the tests ran with: same versions, same hashes."""

    def pins(file: Path) -> set[str]:
        return set(re.findall(r"^([a-z0-9_.-]+==[^ ;\\]+)", file.read_text(), re.MULTILINE))

    image, tested = pins(ROOT / "deploy" / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert image
    assert image <= tested
    assert not any(pin.startswith(("pytest==", "mypy==", "ruff==")) for pin in image)


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "deploy/requirements.lock", "deploy/local/uv.lock.txt"]
)
def test_locks_name_no_host(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert lines
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


@pytest.mark.parametrize("script", ["deploy/local/install.sh", "deploy/compose-env.sh", ".ci/run"])
def test_shell_scripts_parse(script: str) -> None:
    assert subprocess.run(["bash", "-n", ROOT / script], check=False).returncode == 0
