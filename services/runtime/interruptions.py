"""Why a session ends and another is begun. Three things that are named, logged and counted apart, because a person does something else about each."""


class FenceLost(RuntimeError):
    """Another process has claimed a partition of ours, or has not let go of it. Nothing of ours was written; a new session claims what is ours."""


class OutOfStep(RuntimeError):
    """What came does not begin where we stand: it belongs to an earlier assignment. Nothing of it was used; a new session claims afresh."""


class KafkaAway(ConnectionError):
    """Kafka does not answer, or not in time."""


class StopTaking(Exception):
    """Nothing more is to be taken until somebody says so; what was taken is committed, what was not is read again later."""
