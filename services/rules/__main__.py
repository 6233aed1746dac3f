"""`python -m services.rules`: the rule service."""

from services.rules.worker import session
from services.runtime.service import main

if __name__ == "__main__":
    main("rules", session)
