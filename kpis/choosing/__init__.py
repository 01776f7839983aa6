"""Choice of customers by a filter: one at a time, or in groups whom it treats alike."""
