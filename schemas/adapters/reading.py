"""Reading of the members of a foreign record: by name, typed, and with an error that says which member is wrong.

Money and numbers are read as integers or decimals, never as floats.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from schemas.adapters.adapter import Members, Translation
from schemas.local_times import instant_text
from schemas.refusals import Reason, Refusal

_VALUE_SHOWN: Final = 48
_DETAIL_MAX: Final = 300
_read: Final = msgspec.json.Decoder(float_hook=Decimal).decode
#: What Python raises of a value that nobody thought of. Whatever else is raised is a fault of ours.
_FAULTS_OF_VALUES: Final = (ArithmeticError, RecursionError, ValueError)


class SourceFault(ValueError):
    """A member of a foreign record that is missing or cannot be read.

    Attributes:
        reason: Out of the closed list of refusals.
    """

    def __init__(self, reason: Reason, member: str, problem: str) -> None:
        super().__init__(f"{member}: {problem}")
        self.reason = reason


class IgnoredRecord(Exception):
    """A record that is understood and says nothing that is counted; its argument is its kind."""


class Node:
    """An object in a foreign record, and where it stands there.

    Args:
        members: Its members.
        path: Its place in the record, such as `data.object`; empty at the top.
    """

    def __init__(self, members: Mapping[str, Any], path: str = "") -> None:
        self.members = members
        self.path = path

    def path_of(self, name: str) -> str:
        """Return the place of a member in the record."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Any:
        """Return a member as JSON has it; None where it is absent or null."""
        return self.members.get(name)

    def missing(self, name: str, problem: str = "is required") -> SourceFault:
        """Return the fault of a member that is not there."""
        return SourceFault(Reason.MISSING_MEMBER, self.path_of(name), problem)

    def wrong(self, name: str, problem: str) -> SourceFault:
        """Return the fault of a member that cannot be read; its value is shown."""
        return SourceFault(Reason.INVALID_MEMBER, self.path_of(name), f"{problem}, got {_shown(self.get(name))}")

    def at(self, path: str) -> "tuple[Node, str]":
        """Return the object in which a path of names with dots ends, and its last name; what is no object is empty."""
        node, (*names, last) = self, path.split(".")
        for name in names:
            found = node.get(name)
            node = Node(found if isinstance(found, dict) else {}, node.path_of(name))
        return node, last

    def object(self, name: str) -> "Node":
        """Return a member that is an object."""
        found = self.optional_object(name)
        if found is None:
            raise self.missing(name)
        return found

    def optional_object(self, name: str) -> "Node | None":
        """Return a member that is an object; None where it is absent."""
        found = self.get(name)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise self.wrong(name, "must be an object")
        return Node(found, self.path_of(name))

    def objects(self, name: str) -> "list[Node]":
        """Return the objects of a list; none where it is absent."""
        found = self.get(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self.wrong(name, "must be a list of objects")
        return [Node(each, f"{self.path_of(name)}[{n}]") for n, each in enumerate(found)]

    def text(self, name: str) -> str:
        """Return a member that is a text, or an integer's, and not empty."""
        found = self.optional_text(name)
        if not found:
            raise self.missing(name)
        return found

    def optional_text(self, name: str) -> str:
        """Return a member that is a text, or an integer's; empty where it is absent."""
        found = self.get(name)
        if found is None:
            return ""
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if not isinstance(found, str):
            raise self.wrong(name, "must be a text")
        return found

    def integer(self, name: str) -> int:
        """Return a member that is an integer."""
        found = self.optional_integer(name)
        if found is None:
            raise self.missing(name)
        return found

    def optional_integer(self, name: str) -> int | None:
        """Return a member that is an integer; None where it is absent."""
        found = self.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.wrong(name, "must be an integer")
        return found

    def optional_decimal(self, name: str) -> Decimal | None:
        """Return a member that is a number, or the text of one; None where it is absent."""
        found = self.get(name)
        if found is None:
            return None
        try:
            number = None if isinstance(found, bool) else Decimal(found)
        except (InvalidOperation, TypeError, ValueError):
            number = None
        if number is None or not number.is_finite():
            raise self.wrong(name, "must be a number")
        return number

    def flag(self, name: str) -> bool:
        """Return a member that is true or false; false where it is absent."""
        found = self.get(name)
        if found is None:
            return False
        if not isinstance(found, bool):
            raise self.wrong(name, "must be true or false")
        return found

    def epoch(self, name: str) -> str:
        """Return a member that counts seconds since 1970, as an event's time."""
        found = self.optional_epoch(name)
        if not found:
            raise self.missing(name)
        return found

    def optional_epoch(self, name: str) -> str:
        """Return a member that counts seconds since 1970, as an event's time; empty where it is absent."""
        seconds = self.optional_integer(name)
        if seconds is None:
            return ""
        text = epoch_text(seconds)
        if text is None:
            raise self.wrong(name, "must be seconds since 1970")
        return text


def epoch_text(seconds: int) -> str | None:
    """Return an instant in seconds since 1970 as an event's time; None where no calendar has such a day."""
    return instant_text(seconds * 1_000_000)


def each_of(entries: Iterable[Node], read: Callable[[Node], Iterable[Members]]) -> Iterator[Members]:
    """Yield the events of the entries of a list; those that say nothing that is counted are passed over.

    Args:
        entries: Of the list.
        read: Yields the events of one entry; raises SourceFault or IgnoredRecord.

    Raises:
        IgnoredRecord: No entry says anything; of the kind of the first one.
    """
    said, kinds = False, []
    for entry in entries:
        try:
            for event in read(entry):
                said = True
                yield event
        except IgnoredRecord as kind:
            kinds.append(str(kind))
    if not said:
        raise IgnoredRecord(kinds[0] if kinds else "empty list")


def translated(name: str, value: bytes, read: Callable[[Node], Iterator[Members]]) -> Translation:
    """Return what a JSON record says, by the function that reads its objects; values that cannot be read are refused.

    Args:
        name: The adapter's, for its errors.
        value: The record's value.
        read: Yields the events of one record; raises SourceFault or IgnoredRecord.

    Raises:
        Exception: Whatever `read` raises that no value causes, which is a fault of its own.
    """
    try:
        found = _read(value)
        if not isinstance(found, dict):
            return refused(name, Reason.MALFORMED_JSON, "the record is not a JSON object")
        return Translation(tuple(read(Node(found))))
    except SourceFault as fault:
        return refused(name, fault.reason, str(fault))
    except IgnoredRecord as ignored:
        return Translation(ignored=str(ignored))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return refused(name, Reason.MALFORMED_JSON, f"the record is not JSON: {error}")
    except _FAULTS_OF_VALUES as error:
        # A record must not stop those behind it: it is kept, as a dead letter.
        return refused(
            name, Reason.MALFORMED_JSON, f"the record holds a value that cannot be read: {_why_unreadable(error)}"
        )


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, ArithmeticError):
        return "a number that is too large, or has too many digits"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) or "nothing more is known of it"


def refused(name: str, reason: Reason, detail: str) -> Translation:
    """Return the outcome of a record that an adapter does not understand."""
    text = f"{name}: {detail}"
    return Translation(refusal=Refusal(reason, text if len(text) <= _DETAIL_MAX else text[: _DETAIL_MAX - 1] + "…"))


def _shown(found: Any) -> str:
    text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return text if len(text) <= _VALUE_SHOWN else text[:_VALUE_SHOWN] + "…"
