"""The runbooks: what each alert means, what to look at and what to do."""
