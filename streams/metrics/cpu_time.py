"""CPU time of a coroutine, without that of other tasks of the same event loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")


class Metered(Generic[_Result]):
    """A coroutine to await once, and the CPU time that it has taken so far (s); what threads do for it is not in it."""

    def __init__(self, coroutine: Coroutine[Any, Any, _Result]) -> None:
        """Take the coroutine, which has not begun."""
        self._coroutine = coroutine
        self.cpu_seconds = 0.0

    def __await__(self) -> Generator[Any, Any, _Result]:
        """Run it step by step, as awaiting it would."""
        resume: Callable[[Any], Any] = self._coroutine.send
        value: Any = None
        while True:
            began = time.thread_time()
            try:
                waiting = resume(value)
            except StopIteration as end:
                result: _Result = end.value
                return result
            finally:
                self.cpu_seconds += time.thread_time() - began
            try:
                resume, value = self._coroutine.send, (yield waiting)
            except BaseException as error:
                if isinstance(error, GeneratorExit):
                    self._coroutine.close()
                    raise
                resume, value = self._coroutine.throw, error  # what arrives while it waits, cancelling too, is its own
