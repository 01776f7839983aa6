"""A partition: its one writer, what it holds in memory, what waits, what it sends and what it has lost."""
