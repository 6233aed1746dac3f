"""`python -m services.api`: the api service."""

from services.api.server import session
from services.runtime.service import main

if __name__ == "__main__":
    main("api", session)
