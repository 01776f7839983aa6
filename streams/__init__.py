"""The stream: Faust by batches, Kafka and the embedded log, partitions, tables on Redis, metrics, settings."""
