"""All customers at once: episodes of activity, cohorts, lifetimes, reasons, and the summary that is exported."""
