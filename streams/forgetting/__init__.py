"""Forgotten customers as workers know them: the topic of their tombstones, and its readers."""
