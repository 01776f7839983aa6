"""Snapshots: the tables of a stream as one file, and back."""
