"""What a sceptic would ask of events that nothing is formally wrong with; one class a question, no I/O."""
