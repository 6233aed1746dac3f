"""The fixtures that other tests lean on: a migrated database each, that no other test sees into."""

import psycopg


def test_a_module_gets_a_migrated_database_of_its_own(database_url: str, fresh_database_url: str) -> None:
    with psycopg.connect(database_url) as shared, psycopg.connect(fresh_database_url) as own:
        names = [connection.execute("SELECT current_database()").fetchone() for connection in (shared, own)]
        revisions = [
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
            for connection in (shared, own)
        ]
        assert own.execute("SELECT postgis_lib_version()").fetchone() is not None
    assert names[0] != names[1]
    assert revisions[0] == revisions[1] is not None


def test_an_empty_database_has_no_schema(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_a_test_gets_topics_of_its_own(topics: list[str], topic_prefix: str, kafka_bootstrap: str) -> None:
    assert topics == [topic_prefix + name for name in ("raw", "fixes", "rejected")]
    assert kafka_bootstrap.startswith("127.0.0.1:")
