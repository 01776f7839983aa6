"""Operations: topics, targets, dead letters, and resuming without what is lost."""
