"""Conditions on dimensions, which choose customers: `plan = pro and country in (DE, AT) and not channel = ads`.

Pure: a text and the names of dimensions in, a condition out. Whose values are asked, by number or by name, is up to
the caller. Definitions: docs/definitions.md, section "What keeps customers"; the language: docs/filters.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Flags, Ints
from kpis.names import NONE
from schemas.wording import nearest, nearest_name

#: The values of a dimension by number, and the number that each customer, or each combination, has.
Numbered = tuple[Sequence[str], Ints]

_WORDS: Final = ("and", "or", "not", "in")
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<mark>!=|[=(),])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<word>[^\s=!(),'"]+))"""
)
_ESCAPED: Final = re.compile(r"\\(.)")
#: Conditions that may stand in each other, and values that one may name (count): a text is a line of an option.
MOST_DEPTH: Final = 100
_END: Final = "the end"


class FilterError(ValueError):
    """A text is no condition; the message says what was found at which character, and what to write."""


class ValueCondition(NamedTuple):
    """A condition on one dimension: its value is one of these."""

    dimension: str
    values: tuple[str, ...]


class Negation(NamedTuple):
    """A condition that does not hold."""

    of: Condition


class Junction(NamedTuple):
    """Conditions of which all hold, or any."""

    parts: tuple[Condition, ...]
    all: bool


Condition = ValueCondition | Negation | Junction


class Filter(NamedTuple):
    """A condition, and the text that it was written as."""

    text: str
    condition: Condition

    def holds(self, value_of: Callable[[str], str]) -> bool:
        """Return whether it holds where dimensions have these values."""
        return _holds(self.condition, value_of)

    def flags(self, numbered: Callable[[str], Numbered]) -> Flags:
        """Return for each customer, or combination, whether it holds.

        Args:
            numbered: Returns the values of a dimension, and the numbers; all of one length.
        """
        return _flags(self.condition, numbered)

    def comparisons(self) -> Iterator[ValueCondition]:
        """Yield the comparisons, from left to right."""
        yield from _comparisons(self.condition)

    def check_values(self, known: Callable[[str], set[str]]) -> None:
        """Refuse a value that no customer ever had: more likely than not it is misspelt.

        Args:
            known: Returns the values that a dimension has had.

        Raises:
            FilterError: There is such a value; `none` is no such one.
        """
        for dimension, values in self.comparisons():
            there = known(dimension) | {NONE}
            for value in values:
                if value not in there:
                    close = nearest(value, sorted(there))
                    hint = f"did you mean {close}?" if close else f"--by {dimension} alone lists those there are"
                    raise FilterError(f"no customer has the {dimension} {value}; {hint}")


def parse_filter(text: str, dimensions: Sequence[str]) -> Filter:
    """Return the condition that a text says.

    Args:
        text: Comparisons such as `plan = pro`, `plan != pro`, `country in (DE, AT)`, `country not in (DE, AT)`, put
            together by `and`, `or`, `not` and brackets; `and` binds closer than `or`. A value with a space or a mark
            in it stands in quotes.
        dimensions: The names that may be compared.

    Raises:
        FilterError: It says none.
    """
    parser = _Parser(text, dimensions)
    condition = parser.whole()
    return Filter(" ".join(text.split()), condition)


class _Token(NamedTuple):
    """A word, a text in quotes or a mark, and where it begins (characters from 1 on)."""

    text: str
    at: int
    kind: str

    @property
    def keyword(self) -> str:
        """The word in lower case where it is one of the language, else its mark."""
        if self.kind == "mark":
            return self.text
        return self.text.lower() if self.kind == "word" and self.text.lower() in _WORDS else ""


class _Parser:
    """Descends a text by the rules of the language, one method a rule."""

    def __init__(self, text: str, dimensions: Sequence[str]) -> None:
        self._tokens = list(_tokens(text))
        self._dimensions = dimensions
        self._place = self._depth = 0

    def whole(self) -> Condition:
        if self._next.kind == "end":
            raise FilterError("is empty; write for example plan = pro")
        found = self._alternatives()
        if self._next.kind != "end":
            raise self._error("and, or, or nothing more")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self, *keywords: str) -> bool:
        if self._next.keyword in keywords:
            self._place += 1
            return True
        return False

    def _error(self, expected: str) -> FilterError:
        found = self._next
        where = _END if found.kind == "end" else f"{found.text} at character {found.at}"
        return FilterError(f"expected {expected}, and found {where}")

    def _alternatives(self) -> Condition:
        return self._joined("or", self._conjunction)

    def _conjunction(self) -> Condition:
        return self._joined("and", self._factor)

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(tuple(parts), word == "and")

    def _factor(self) -> Condition:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise FilterError(f"has more than {MOST_DEPTH} conditions within each other; write it flatter")
        if self._take("not"):
            found: Condition = Negation(self._factor())
        elif self._take("("):
            found = self._alternatives()
            if not self._take(")"):
                raise self._error(")")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Condition:
        token = self._next
        if token.kind != "word" or token.keyword:
            raise self._error("the name of a dimension")
        if token.text not in self._dimensions:
            hint = nearest_name(token.text, self._dimensions)
            known = ", ".join(self._dimensions)
            raise FilterError(f"{token.text} at character {token.at}: there is only {known}{hint}")
        self._place += 1
        is_negated = self._take("not")
        if self._take("in"):
            found: Condition = ValueCondition(token.text, self._list())
        elif not is_negated and self._next.keyword in {"=", "!="}:
            is_negated = self._next.text == "!="
            self._place += 1
            found = ValueCondition(token.text, (self._value(),))
        else:
            raise self._error("in" if is_negated else "=, !=, in or not in")
        return Negation(found) if is_negated else found

    def _list(self) -> tuple[str, ...]:
        if not self._take("("):
            raise self._error("( and values, such as (DE, AT)")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(")"):
            raise self._error(", or )")
        return tuple(values)

    def _value(self) -> str:
        token = self._next
        if token.kind in {"mark", "end"} or token.keyword:
            raise self._error("a value (in quotes where it is a word of the language)")
        self._place += 1
        return token.text


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place, end)
        if found is None:
            at = place + len(text[place:]) - len(text[place:].lstrip())
            what = "a quote that nothing closes" if text[at] in "\"'" else f"{text[at]}, which stands for nothing"
            raise FilterError(f"has at character {at + 1} {what}")
        kind = str(found.lastgroup)
        said = found[kind]
        begins = found.start(kind) + (kind not in {"double", "single"})
        yield _Token(_ESCAPED.sub(r"\1", said) if kind in {"double", "single"} else said, begins, kind)
        place = found.end()
    yield _Token("", end + 1, "end")


def _holds(condition: Condition, value_of: Callable[[str], str]) -> bool:
    if isinstance(condition, ValueCondition):
        return value_of(condition.dimension) in condition.values
    if isinstance(condition, Negation):
        return not _holds(condition.of, value_of)
    found = (_holds(part, value_of) for part in condition.parts)
    return all(found) if condition.all else any(found)


def _flags(condition: Condition, numbered: Callable[[str], Numbered]) -> Flags:
    if isinstance(condition, ValueCondition):
        names, numbers = numbered(condition.dimension)
        chosen = np.array([name in condition.values for name in names], np.bool_)
        found: Flags = chosen[numbers] if len(numbers) else np.empty(0, np.bool_)
        return found
    if isinstance(condition, Negation):
        opposite: Flags = ~_flags(condition.of, numbered)
        return opposite
    parts = [_flags(part, numbered) for part in condition.parts]
    joined: Flags = (np.logical_and if condition.all else np.logical_or).reduce(parts)
    return joined


def _comparisons(condition: Condition) -> Iterator[ValueCondition]:
    if isinstance(condition, ValueCondition):
        yield condition
    elif isinstance(condition, Negation):
        yield from _comparisons(condition.of)
    else:
        for part in condition.parts:
            yield from _comparisons(part)
