"""Outlets: customers, movements and counters as tables of other systems, for SQL, Parquet, PostgreSQL and Kafka."""
