"""Faust by batches: the application, its consumer, and the port through which the owner of the tables is asked.

What is overridden, and which private names that takes, here and in the drivers: docs/decisions/0016-what-bends-faust.md.
"""
