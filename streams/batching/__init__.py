"""Faust by batches: the application, its consumer, and the port through which the owner of the tables is asked.

What is overridden, here and in the drivers, and with which private names: docs/decisions/0018-what-bends-faust.md.
"""
