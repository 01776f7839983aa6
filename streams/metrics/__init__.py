"""Metrics: the worker's own, the counts as Prometheus text, and the server of both."""
