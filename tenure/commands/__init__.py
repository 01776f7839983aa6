"""Commands, a module each: reads options, calls what does the work, and prints."""
