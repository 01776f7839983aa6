"""Grafana's dashboards, made of the catalogue of KPIs and the rules: `python -m monitoring.dashboards` writes them.

Each board is a module that returns a `Board`. `panels`, `frames` and `tiles` know how a panel looks, `wording` what it
says, `queries` what it asks, and `board` how a dashboard is put together. What each board is for: docs/dashboards.md.
"""
