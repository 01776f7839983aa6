"""What Prometheus and Alertmanager are told: recording rules, alerts and their runbooks, made of the catalogue of KPIs.

A tool of the repository, no part of the worker: it imports `schemas` only, and writes files that are committed.
"""
