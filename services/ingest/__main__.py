"""`python -m services.ingest [worker|recorder]`: the ingest worker, or the recorder of the history."""

import sys

from services.runtime.service import main

if __name__ == "__main__":
    role = sys.argv[1] if len(sys.argv) > 1 else "worker"
    if role == "worker":
        from services.ingest.worker import session

        main("ingest", session)
    elif role == "recorder":
        from services.ingest.recorder import session as record

        main("recorder", record)
    else:
        sys.stderr.write(f"services.ingest: no role {role!r}; known: worker, recorder\n")
        raise SystemExit(2)
