"""The rivals' job: the worker beside Kafka Streams, Flink and Bytewax on the same records."""
