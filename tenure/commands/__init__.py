"""One module for each command: it reads options, calls what does the work, and prints."""
