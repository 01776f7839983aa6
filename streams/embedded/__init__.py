"""The embedded log, tables in memory, and a Redis of the process's own: nothing to install."""
