"""Faust by batches: the application, its consumer, and the port through which the owner of the tables is asked."""
