"""Membership in counts: rules, exclusions and lenses, for explanations."""
