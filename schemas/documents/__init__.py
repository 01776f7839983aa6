"""Documents that commands print with `--json`, as types: one module a report, with the meaning of every member.

Shapes alone: no number is made here. Keys that are data (windows, segments, counts of an answer) are keys of a dict;
what the catalogue names (counts and ratios) are members made of the catalogue. docs/report.md and
schemas/reports.schema.json are made of these types.
"""
