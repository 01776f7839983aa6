"""Monitoring: recording rules, alerts and runbooks, made from the catalogue of KPIs.

A tool of the repository, no part of the worker: it imports `schemas` only, and writes files that are committed.
"""
