"""The tables of a stream, as other processes and workers that start find them."""
