"""Diagnosis of a whole installation: settings, Kafka, Redis, the stream, Prometheus, Alertmanager, Grafana."""
