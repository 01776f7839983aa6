"""Real servers for tests, bench and devstack: Kafka, Redis, Prometheus, Alertmanager. Not shipped."""
