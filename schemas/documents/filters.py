"""The filter of a document: the condition that chose its customers."""

from typing import Annotated

from msgspec import Meta, UnsetType

WhereMember = Annotated[
    str | UnsetType,
    Meta(description="The condition of `--where`: all here is of customers that it chooses. Absent: of everybody."),
]
