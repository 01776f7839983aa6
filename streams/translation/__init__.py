"""Topics that hold records of other systems: read, translated by adapters, and sent on as events."""
