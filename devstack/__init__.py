"""The whole system on one machine without Docker, for development: `make up`.

It starts the servers that the tests start (`services`), on ports and with data that stay. Nothing imports it.
"""
