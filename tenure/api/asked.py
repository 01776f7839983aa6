"""Requests for reports: the parameters of a report, each checked as the option of the command is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from schemas.wording import in_words, nearest_name
from streams.errors import UsageError

ParameterKind = Literal["string", "integer", "boolean"]
_OPTION: Final = re.compile(r"--([a-z][a-z-]*)")
_RENAMED: Final = {"at": "as_of"}


class ApiParameter(NamedTuple):
    """A parameter of a report.

    Attributes:
        name: Its name.
        meaning: What it chooses.
        kind: Of its values.
        required: Whether it must be there.
        many: Whether it may be given several times.
        values: The values that it may have; empty where the settings or the data decide.
    """

    name: str
    meaning: str
    kind: ParameterKind = "string"
    required: bool = False
    many: bool = False
    values: tuple[str, ...] = ()


class RequestedReport:
    """The parameters of one request.

    Args:
        known: Those that the report has.
        given: The texts of each, as they were given.

    Raises:
        UsageError: One is not known, missing, given twice, or has a value that it cannot have.
    """

    def __init__(self, known: Sequence[ApiParameter], given: Mapping[str, Sequence[str]]) -> None:
        names = [each.name for each in known]
        for name in given:
            if name not in names:
                there = f"there is only {in_words(names, 'and')}" if names else "it takes none"
                raise UsageError(f"{name}: no such parameter; {there}{nearest_name(name, names)}")
        for each in known:
            texts = given.get(each.name, ())
            if each.required and not texts:
                raise UsageError(f"{each.name} is missing: {each.meaning}")
            if len(texts) > 1 and not each.many:
                raise UsageError(f"{each.name} is given {len(texts)} times; give it once")
            for text in texts:
                if each.values and text not in each.values:
                    raise UsageError(f"{each.name}={text}: write {in_words(each.values, 'or')}")
        self._given = given

    def many(self, name: str) -> list[str]:
        """Return all texts of a parameter."""
        return list(self._given.get(name, ()))

    def one(self, name: str) -> str | None:
        """Return the text of a parameter; None where it is not given."""
        texts = self._given.get(name, ())
        return texts[0] if texts else None

    def text(self, name: str, default: str = "") -> str:
        """Return the text of a parameter, or what holds where it is not given."""
        found = self.one(name)
        return default if found is None else found

    def count(self, name: str, default: int, most: int) -> int:
        """Return a number of things, from 0 to a limit.

        Raises:
            UsageError: It is none.
        """
        text = self.one(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most):
            raise UsageError(f"{name}={text}: write a whole number from 0 to {most:,}")
        return int(text)


def in_parameters(message: str) -> str:
    """Return a message of a command's option in the words of a request's parameters."""
    return _OPTION.sub(lambda found: _RENAMED.get(found[1], found[1].replace("-", "_")), message)
