"""Long work in steps, so that the event loop answers others between them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TypeVar

_T = TypeVar("_T")


async def giving_way(steps: Generator[None, None, _T]) -> _T:
    """Run what yields after each of its steps, and return what it returns; others have their turn after each step."""
    try:
        while True:
            try:
                next(steps)
            except StopIteration as done:
                result: _T = done.value
                return result
            await asyncio.sleep(0)
    finally:
        steps.close()  # where we were cancelled, they end now and not when somebody collects them
