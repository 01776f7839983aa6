"""The built-in dimensions: what every stream can be segmented by, and the members that only describe an event.

Imports nothing: the help of commands names them, and answers at once. They are members of a signup (`schemas.events`).
"""

from collections.abc import Sequence
from typing import Final

#: In this order profiles are stored, the plan apart.
BUILT_IN_DIMENSIONS: Final = ("plan", "country", "channel")
#: The one by which customers have a cost of acquisition.
CHANNEL: Final = BUILT_IN_DIMENSIONS[2]

#: Members that only describe an event, beside dimensions.
DESCRIBING_MEMBERS: Final = ("reason", "feature", "via")


def describing_members(dimensions: Sequence[str]) -> tuple[str, ...]:
    """Return the members that only describe an event, with these further dimensions: none of them ever costs it."""
    return (*DESCRIBING_MEMBERS, *BUILT_IN_DIMENSIONS[1:], *dimensions)
