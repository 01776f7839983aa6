"""One customer: facts, how a state is laid out and encoded, deduplication, and the timeline that facts describe."""

from kpis import compiled

compiled.prefer(__path__, "customer")
