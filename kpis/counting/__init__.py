"""Counts: cells of counters, windows over them, rolling and per-period counts, and what must always add up."""
