"""Running what goes in steps without anybody to give way to."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

_T = TypeVar("_T")


def at_once(steps: Generator[None, None, _T]) -> _T:
    """Run all steps one after the other, and return what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: _T = done.value
            return result
