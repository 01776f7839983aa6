"""Adapters: from the records of other systems to the product's own events."""
