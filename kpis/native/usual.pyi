from kpis.fold.context import FoldContext
from schemas.events import Event

SOURCES: str

class UsualEvents:
    left: list[int]
    applied: int
    def __init__(self, context: FoldContext) -> None: ...
    def begin(
        self,
        events: list[Event],
        times: list[int],
        states: dict[str, bytes],
        changed: dict[str, bytes],
        references: list[int],
    ) -> None: ...
    def go_on(self, start: int, work: int) -> int: ...
    def take_rows(self) -> bytes: ...
    def may_be_known(self, events: list[Event], states: dict[str, bytes]) -> list[int]: ...
