"""The demo's company: a seeded, believable business and its events."""
