"""Generators of documents: pages and schemas made of the product's own lists. No worker uses them; not shipped."""
