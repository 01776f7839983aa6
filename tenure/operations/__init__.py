"""What operators run: topics, targets, dead letters, giving up what is lost."""
