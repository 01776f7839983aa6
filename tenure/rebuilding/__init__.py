"""Building the tables of a stream anew, beside those that hold, and putting them in their place."""
