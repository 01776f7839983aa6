"""Contracts: events, their decoding, topics, refusals, and the catalogue of every KPI and metric.

Knows no I/O, no Kafka, no Redis; imports nothing else of this product.
`python -m docgen` writes docs/events.md and docs/kpis.md from these modules.
"""
