"""Properties that hold for every log."""
