"""Nasty logs to try numbers on: what producers get wrong, and records that must be refused.

Not the product, and nothing that counts: the recount of `tests.recount` says what the numbers of a log are.
"""
