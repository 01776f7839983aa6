"""One customer: facts, how a state is laid out and encoded, deduplication, and the timeline that facts describe."""
