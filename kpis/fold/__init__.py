"""The fold: an event changes a customer's facts, and with them what the customer contributes to the counts."""

from kpis import compiled

compiled.prefer(__path__, "fold")
