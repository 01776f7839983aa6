"""Questions of a sceptic about events that nothing is formally wrong with; one class each, no I/O."""
