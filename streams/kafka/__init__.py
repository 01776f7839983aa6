"""Kafka: the transport, what is read and sent, security, and what its errors mean."""
