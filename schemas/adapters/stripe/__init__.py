"""Stripe: webhook events and exports of its API, as the product's own events.

For its user, with a table of what each record becomes and Stripe's own pages: docs/adapters/stripe.md.
"""
