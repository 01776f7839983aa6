"""What the numbers mean: one customer's facts, what they contribute, and how contributions become counts.

Pure: no clock, no I/O, no streams. Definitions: docs/definitions.md.
"""

from kpis import compiled

#: Whether the fold is the compiled one.
COMPILED = compiled.prefer(__path__)
