"""Undoing of a producer gone wild: its events are found in Kafka, and revoked."""
