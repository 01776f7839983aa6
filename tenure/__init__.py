"""The command, and the composition root: the only place that chooses adapters and registers agents."""
