"""Runs that ask for surveys: nobody is asked twice, and a request that comes again is the same."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

from schemas.instants import DAY_MS
from tests.recount.instants import read_instant_ms
from tests.simulation.product import Run

_FORGETFUL = frozenset({
    "lose_commits", "restore_a_backup", "start_empty", "fail_over", "tear_a_commit", "lose_within",
})  # fmt: skip
"""Faults after which it may be forgotten who was asked."""


class AskingRun(Run):
    """A run with a schedule of surveys, whose clock goes through days."""

    async def _end(self) -> None:
        await super()._end()
        self._look_at_requests()

    def _look_at_requests(self) -> None:
        by_id: dict[str, set[bytes]] = defaultdict(set)
        for part in self.simulation.cluster.log.topics.get(self.settings.survey_request_topic, ()):
            for record in part.read(0, part.end)[0]:
                by_id[json.loads(record.value or b"")["id"]].add(record.value or b"")
        self.problems += [f"one request in two versions: {found}" for found in by_id.values() if len(found) > 1]
        if any(fault.kind in _FORGETFUL for fault in self.plan.planned_faults()):
            return
        due: dict[str, list[int]] = defaultdict(list)
        for (request,) in by_id.values():
            members = json.loads(request)
            due_ms = read_instant_ms(members["due_at"])
            assert due_ms is not None, request
            due[members["customer_id"]].append(due_ms)
        quiet_ms = self.settings.survey_quiet_days * DAY_MS
        for customer, times in due.items():
            times.sort()
            twice = [pair for pair in pairwise(times) if pair[1] - pair[0] < quiet_ms]
            self.problems += [f"{customer} is asked twice: {pair}" for pair in twice]
