"""The alert rules, and the thresholds in them."""
