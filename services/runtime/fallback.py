"""What does its work another way than it was made for, because something does not fit: right all the same, slower, and never without a word."""

import structlog

from services.runtime import metrics

KAFKA_FETCHER = "kafka_fetcher"
KAFKA_RECORDS = "kafka_records"
KAFKA_HEADERS = "kafka_headers"
COMPILED_CODE = "compiled_code"
PLAIN_REPORTS = "plain_reports"

log = structlog.get_logger()
_said: set[str] = set()


def tell(what: str, why: str | None) -> None:
    """Set the gauge of a fast way, one of the names above: `why` it is not taken, None where it is. The log has it once a process."""
    metrics.FALLBACK.labels(what).set(0 if why is None else 1)
    if why is not None and what not in _said:
        _said.add(what)
        log.warning("fallback", what=what, why=why)
