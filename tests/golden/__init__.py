"""Archives of other systems, with the events and the numbers that they must become."""
