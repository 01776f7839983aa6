"""What carries the events: the Faust application, the log, positions, tables on Redis, metrics, clock and settings."""
