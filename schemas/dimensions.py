"""The built-in dimensions: what every stream can be segmented by, whatever its settings say.

Imports nothing: the help of commands names them, and answers at once. They are members of a signup (`schemas.events`).
"""

from typing import Final

#: In this order profiles are stored, the plan apart.
BUILT_IN_DIMENSIONS: Final = ("plan", "country", "channel")
