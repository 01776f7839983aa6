"""An independent second opinion on every number: the definitions recomputed naively, with logs to try them on.

Not the product: nothing here imports the product's code, so that agreement between the two means something.
Definitions: docs/definitions.md.
"""
