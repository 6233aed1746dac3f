"""What travels: fixes, batches, alerts, events, registry documents, reason codes and topic names; no I/O, imports nothing of ours."""
