"""The numbers: a customer's facts, the contribution of these facts, and the counts that contributions add up to.

Pure: no clock, no I/O, no streams. Definitions: docs/definitions.md.
"""
