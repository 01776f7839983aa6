"""The fold: an event changes a customer's facts, and with them what the customer contributes to the counts."""
