"""Partners' webhooks (Standard Webhooks 1.0): the operations of the api, and the process that delivers, `python -m services.api.webhooks`."""
