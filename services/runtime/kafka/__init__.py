"""The only package that speaks aiokafka: consumers, producers and topics, every call with a deadline, silence turned into errors.

What users of the client report most is not an error but silence: a consumer that lives and gets nothing. So a consumer asks the broker
for its end offsets every two seconds with a deadline, and a watchdog ends the process when there is lag and nothing advances.
"""

from services.runtime.interruptions import KafkaAway
from services.runtime.kafka.backwards import Found, Look, Seen, look_back
from services.runtime.kafka.batch import Batch
from services.runtime.kafka.consumer import Assigned, Consumer, OffsetGone, Revoked
from services.runtime.kafka.groups import members
from services.runtime.kafka.producer import Message, Producer
from services.runtime.kafka.tail import Tail
from services.runtime.kafka.topics import end_offsets, log_bounds, make_topics
from services.runtime.kafka.watchdog import Stalled, Watchdog

__all__ = [
    "Assigned",
    "Batch",
    "Consumer",
    "Found",
    "KafkaAway",
    "Look",
    "Message",
    "OffsetGone",
    "Producer",
    "Revoked",
    "Seen",
    "Stalled",
    "Tail",
    "Watchdog",
    "end_offsets",
    "log_bounds",
    "look_back",
    "make_topics",
    "members",
]
