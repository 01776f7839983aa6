"""Files of events: reading, publishing and replaying them."""
