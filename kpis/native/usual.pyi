from typing import Any

from kpis.arrays import Ints
from kpis.fold.context import FoldContext
from kpis.native.batch import EventBatch
from kpis.native.states import StateTable
from schemas.events import Event

SOURCES: str

class UsualEvents:
    left: list[int]
    applied: int
    def __init__(self, context: FoldContext) -> None: ...
    def begin(
        self,
        events: list[Event] | EventBatch[Any],
        times: list[int],
        states: dict[str, bytes] | StateTable,
        changed: dict[str, bytes],
        references: list[int],
    ) -> None: ...
    def go_on(self, start: int, work: int) -> int: ...
    def take_rows(self) -> bytes: ...
    def may_reach_back(
        self, events: list[Event] | EventBatch[Any], states: dict[str, bytes] | StateTable, numbers: Ints
    ) -> list[int]: ...
