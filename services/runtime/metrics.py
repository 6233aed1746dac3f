"""Every metric once, by Prometheus conventions and never labelled by vehicle; the table in the docs is generated from here."""

from prometheus_client import Counter, Gauge, Histogram, Info
from prometheus_client.metrics import MetricWrapperBase

BUILD = Info("roadwatch_build", "Version of the running code")

INGEST_REPORTS = Counter("roadwatch_ingest_reports_total", "Reports received, by verdict", ["verdict"])
INGEST_REASONS = Counter("roadwatch_ingest_reasons_total", "Reports by reason code", ["reason"])
INGEST_EXACT = Counter(
    "roadwatch_ingest_exact_total", "Reports that the exact reader had to look at; the others were plain"
)
INGEST_KEPT_OUT = Gauge(
    "roadwatch_ingest_kept_out_ratio", "Share of reports rejected or quarantined in the guard's window"
)
INGEST_GUARD = Gauge(
    "roadwatch_ingest_guard_state", "0 quiet, 1 too many reports are kept out, 2 ingest has stopped for it"
)
INGEST_SECONDS = Histogram(
    "roadwatch_ingest_batch_seconds", "From a batch's fetch to its acknowledgement",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)  # fmt: skip
RECORDER_FIXES = Counter("roadwatch_recorder_fixes_total", "Fixes written to history")
RULES_FIXES = Counter(
    "roadwatch_rules_fixes_total", "Fixes read by the rules, by what became of them", ["outcome"]
)
RULES_EVENTS = Counter("roadwatch_rules_events_total", "Alert events committed", ["rule", "type"])
RULES_BATCH_SECONDS = Histogram(
    "roadwatch_rules_batch_seconds", "Judging a partition's batch, its commit not included",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)  # fmt: skip
RULES_SNAPSHOT_BYTES = Gauge("roadwatch_rules_snapshot_bytes", "Size of the last snapshot written")
RULES_VEHICLES = Gauge("roadwatch_rules_vehicles", "Vehicles with state in this process")
LAG = Gauge(
    "roadwatch_consumer_lag_records", "Records not yet processed, looked at every two seconds",
    ["consumer", "topic", "partition"],
)  # fmt: skip
HELD_BACK = Gauge(
    "roadwatch_consumer_held_back_records",
    "Records behind a transaction that its sender has neither committed nor aborted", ["consumer"],
)  # fmt: skip
READY = Gauge("roadwatch_ready", "1 while the process can do its work")
WAITING = Gauge("roadwatch_waiting", "1 while the process waits for another server", ["server"])
SESSIONS_ENDED = Counter(
    "roadwatch_sessions_ended_total",
    "Sessions that ended and were begun again, by cause: `fence_lost`, `out_of_step` or `server_away`", ["cause"],
)  # fmt: skip
FALLBACK = Gauge(
    "roadwatch_fallback",
    "1 while something works another, slower way because the fast one does not fit",
    ["what"],
)
STALL_SECONDS = Gauge("roadwatch_stall_seconds", "Seconds without progress while there is lag", ["consumer"])
SSE_CLIENTS = Gauge("roadwatch_sse_clients", "Open alert streams")
SSE_EVENTS = Counter("roadwatch_sse_events_total", "Events put on streams")
SSE_LAGGED = Counter("roadwatch_sse_lagged_total", "Streams closed because their client was too slow")
HTTP_REQUESTS = Counter("roadwatch_http_requests_total", "Requests answered", ["operation", "status"])
HTTP_SECONDS = Histogram("roadwatch_http_request_seconds", "Time to answer", ["operation"])
HTTP_CUT = Counter(
    "roadwatch_http_cut_total", "Connections closed because a request did not become whole in time"
)
WEBHOOK_ATTEMPTS = Counter(
    "roadwatch_webhook_attempts_total", "Webhook attempts, by what came of them", ["outcome"]
)
WEBHOOK_SECONDS = Histogram(
    "roadwatch_webhook_attempt_seconds", "Time of a webhook attempt",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)  # fmt: skip
WEBHOOK_IN_FLIGHT = Gauge("roadwatch_webhook_in_flight", "Webhook attempts that have not ended")
WEBHOOK_QUEUE = Gauge("roadwatch_webhook_queue_messages", "Webhook messages waiting in the database")
WEBHOOK_OLDEST = Gauge(
    "roadwatch_webhook_queue_oldest_seconds", "Age of the oldest waiting webhook message; 0: none waits"
)
WEBHOOK_ENDPOINTS = Gauge("roadwatch_webhook_endpoints", "Webhook endpoints, by state", ["state"])


def metrics_table() -> str:
    """The metrics as a Markdown table, for the docs."""
    rows = ["| name | type | labels | meaning |", "|---|---|---|---|"]
    for metric in list(globals().values()):
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = ", ".join(f"`{name}`" for name in metric._labelnames) or "–"  # noqa: SLF001 - nothing public tells them
            rows.append(f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(rows) + "\n"
