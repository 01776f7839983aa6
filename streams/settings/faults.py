"""Faults that pydantic finds in a value, as what the value has to be: of settings, and of options of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KINDS: Final = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number"),
    "int_parsing_size": "a whole number of fewer digits",
    **dict.fromkeys(("float_parsing", "float_type", "decimal_parsing", "decimal_type"), "a number"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    "string_type": "a text",
    "path_type": "the path of a file",
    "tuple_type": "a list",
    "dict_type": "a table",
}
_LIMITS: Final = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}


def requirement_of(fault: ErrorDetails) -> str | None:
    """Return what a value has to be, to stand behind "must be"; None where the fault's own words are all there is."""
    kind = fault["type"]
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        return f"{words} {fault['ctx'][limit]}"
    if kind == "literal_error":
        return str(fault["ctx"]["expected"])
    return _KINDS.get(kind)
