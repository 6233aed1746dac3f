"""`python -m services.api.webhooks`: the process that delivers partners' webhooks."""

from services.api.webhooks.server import session
from services.runtime.service import main

if __name__ == "__main__":
    main("webhooks", session)
