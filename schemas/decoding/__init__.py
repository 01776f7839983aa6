"""From a record to an event, or to the reason why it is none."""
