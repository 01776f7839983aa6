"""The reference job against this product and its peers, in one run: `python -m bench` (see README.md)."""
