"""Validation of events before they count: what the stream would do with them, and what a sceptic would ask."""
