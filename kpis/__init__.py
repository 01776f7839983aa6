"""What the numbers mean: one customer's facts, what they contribute, and how contributions become counts.

Pure: no clock, no I/O, no streams. Definitions: docs/kpis.md.
"""
