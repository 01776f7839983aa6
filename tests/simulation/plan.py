"""The plan of a simulated run: what is sent when, which faults happen when, and under which settings.

All of it is drawn from one seed, each record and each fault from a source of its own. So a plan can be made smaller:
of fewer records and faults, those that are left come and happen as they did.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any, Final, NamedTuple

from streams.partition.unwritten import RedoLimits
from streams.settings.settings import Settings
from tests.logs.logs import Log, generate
from tests.logs.shapes import Shape
from tests.settings import settings_of

PARTITIONS: Final = 4
SHAPE: Final = Shape(events=36, customers=8)
#: how often each kind of run is drawn
FAMILIES: Final = {"usual": 52, "losing": 12, "forgetting": 12, "rebuilding": 8, "asking": 8, "observed": 8}
#: what may happen in all of them, and how often
COMMON: Final = {
    "crash": 3,
    "freeze": 3,
    "restart": 2,
    "grow": 1,
    "swizzle": 2,
    "outage": 2,
    "cut_off": 2,
    "lose_commits": 3,
    "restore_a_backup": 1,
    "tear_a_commit": 4,
    "fail_over": 3,
    "start_empty": 1,
    "slow_log": 1,
    "jump_the_clock": 1,
    "kill_within": 6,
    "freeze_within": 2,
    "lose_within": 3,
}
#: what may happen beside that in runs of one kind
OF_FAMILY: Final = {
    "losing": {"delete_the_beginning": 9, "make_a_topic_anew": 4},
    "forgetting": {"forget": 12, "forget_and_restore": 6},
    "rebuilding": {"rebuild": 16},
    "asking": {"jump_the_clock": 5},
}
#: a Redis that tears a commit of what Kafka has not any more halts a partition for good, and is told of elsewhere
NOT_OF_FAMILY: Final = {"losing": {"tear_a_commit"}}
#: seeds that are tried with every change: the first ones (count)
SEEDS: Final = 1_000
#: the share of runs that go through hours, with records that are as late: of these seeds, and of all others
LONG: Final = (0.005, 0.06)


class Sending(NamedTuple):
    """A record that a producer sends.

    Attributes:
        at_seconds: When (virtual).
        number: Of the record in the log; repetitions have the same.
        topic: Its name.
        key: Its key; None: none.
        value: Its bytes.
        partition: Where it goes, whatever its key; None: the key decides.
    """

    at_seconds: float
    number: int
    topic: str
    key: bytes | None
    value: bytes
    partition: int | None


class Fault(NamedTuple):
    """A fault: which of a plan's it is, when it happens (virtual seconds), and its kind."""

    number: int
    at_seconds: float
    kind: str


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Args:
        seed: All is drawn from it.
        records: Records of the log that are sent, by number; None: all.
        faults: Faults that happen, by number; None: all.
        family: Which kind of run it is; empty: the seed says so.
    """

    seed: int
    records: frozenset[int] | None = None
    faults: frozenset[int] | None = None
    family: str = ""

    def draws(self, purpose: str) -> Random:
        """Return a source of randomness for a purpose."""
        return Random(f"{self.seed}/{purpose}")

    @cached_property
    def kind(self) -> str:
        """Return which kind of run it is."""
        drawn: str = self.draws("family").choices(tuple(FAMILIES), weights=tuple(FAMILIES.values()))[0]
        return self.family or drawn

    @cached_property
    def log(self) -> Log:
        """Return the log whose records are sent."""
        return generate(self.draws("log"), SHAPE)

    @cached_property
    def is_long(self) -> bool:
        """Return whether it goes through hours."""
        return self.draws("long").random() < LONG[self.seed >= SEEDS]

    @cached_property
    def sending_seconds(self) -> float:
        """Return how long producers are at work, but for what is late (virtual)."""
        draws = self.draws("length")
        return draws.uniform(5_000, 9_000) if self.is_long else draws.choice((6, 15, 30, 60))

    @cached_property
    def circumstances(self) -> Circumstances:
        """Return what the run is done with."""
        draws = self.draws("circumstances")
        return Circumstances(
            workers=1 if self.is_long else draws.randint(1, 3),
            batch_max_records=draws.choice((1, 4, 20, 500)),
            latency_seconds=draws.choice((0.005, 0.03, 0.2)),
            failures=draws.choice((0.0, 0.02, 0.1)),
            # mostly so short that much is written to its place while all goes on
            redo_limits=RedoLimits(draws.choice((300, 3_000, 1_000_000)), draws.choice((2, 5, 1_000))),
            states_in_memory=draws.choice((1, 3, 1_000)),
            native=draws.random() < 0.6,
        )

    @cached_property
    def settings(self) -> Settings:
        """Return the settings of all workers."""
        return settings_of(
            self.log.options,
            group="simulated",
            batch_max_records=self.circumstances.batch_max_records,
            state_cache_customers=0,
            survey_requests=self.kind == "asking",
            survey_regular_days=2,
            survey_quiet_days=1,
        )

    def sendings(self) -> list[Sending]:
        """Return what is sent, in the order in which it comes."""
        found: list[Sending] = []
        topics, length, count = self.settings.topics, self.sending_seconds, len(self.log.records)
        for number, value in enumerate(self.log.records):
            draws = self.draws(f"record/{number}")
            at_seconds = length * (number + draws.random()) / count
            if self.is_long:  # in a few bursts
                at_seconds = round(at_seconds / 2_500) * 2_500 + 20 * draws.random()
            if self.records is None or number in self.records:
                found += _sent(draws, value, at_seconds, number, topics, self)
        return sorted(found, key=lambda sending: (sending.at_seconds, sending.number))

    def planned_faults(self) -> list[Fault]:
        """Return what happens, in the order in which it begins."""
        draws, kind = self.draws("faults"), self.kind
        weights = {name: weight for name, weight in COMMON.items() if name not in NOT_OF_FAMILY.get(kind, ())}
        for name, weight in OF_FAMILY.get(kind, {}).items():
            weights[name] = weights.get(name, 0) + weight
        kinds = draws.choices(tuple(weights), weights=tuple(weights.values()), k=draws.randint(2, 5))
        latest = self.sending_seconds + 5
        faults = [Fault(number, draws.uniform(1, latest), name) for number, name in enumerate(kinds)]
        return sorted(
            (fault for fault in faults if self.faults is None or fault.number in self.faults),
            key=lambda fault: fault.at_seconds,
        )

    def with_records(self, numbers: Collection[int]) -> Plan:
        """Return the plan with some of its records alone."""
        return replace(self, records=frozenset(numbers))

    def with_faults(self, numbers: Collection[int]) -> Plan:
        """Return the plan with some of its faults alone."""
        return replace(self, faults=frozenset(numbers))

    @property
    def arguments(self) -> str:
        """Return the plan as arguments of `python -m tests.simulation`."""
        chosen = {"--records": self.records, "--faults": self.faults}
        some = [f"{name} {_ranges(numbers) or 'none'}" for name, numbers in chosen.items() if numbers is not None]
        return " ".join([str(self.seed), *some, *([f"--family {self.family}"] if self.family else [])])


class Circumstances(NamedTuple):
    """What a run is done with.

    Attributes:
        workers: That there are in the beginning (count).
        batch_max_records: As the setting.
        latency_seconds: Mean of each way to Redis and back.
        failures: Share of the ways on which a call gets lost.
        redo_limits: How long redo logs may get.
        states_in_memory: Customers whose states a partition keeps in memory (count).
        native: Whether the compiled fold is used.
    """

    workers: int
    batch_max_records: int
    latency_seconds: float
    failures: float
    redo_limits: RedoLimits
    states_in_memory: int
    native: bool


def numbers_of(text: str) -> frozenset[int]:
    """Return the numbers that "1,4-6" names; "none" names none."""
    found: set[int] = set()
    for part in text.split(",") if text != "none" else ():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _ranges(numbers: Collection[int]) -> str:
    """Return numbers as `numbers_of` reads them."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _sent(
    draws: Random, value: bytes, at_seconds: float, number: int, topics: dict[str, str], plan: Plan
) -> list[Sending]:
    """Return a record as some producer sends it: by type or mixed, by key or not, late, and more than once.

    A record that is lost before it is acknowledged comes later, when it is sent again; one whose acknowledgement is
    lost comes twice.
    """
    fate = draws.random()
    late = draws.uniform(0, plan.sending_seconds) if fate < 0.06 else draws.expovariate(0.5) if fate < 0.2 else 0.0
    again = [draws.expovariate(0.3)] if draws.random() < 0.08 else []
    again += [draws.uniform(0, plan.sending_seconds)] if draws.random() < 0.03 else []
    times = [at_seconds + late, *(at_seconds + late + more for more in again)]
    found = [_one(draws, value, at, number, topics, plan.kind) for at in times]
    if draws.random() < 0.1:
        found.append(_one(draws, b"{", at_seconds, number, topics, plan.kind))
    return found


def _one(draws: Random, value: bytes, at: float, number: int, topics: dict[str, str], kind: str) -> Sending:
    members = _members(value)
    usual = topics.get(str(members.get("type")), topics["events"])
    topic = draws.choices((usual, topics["events"], draws.choice(tuple(topics.values()))), (7, 2, 1))[0]
    customer = str(members.get("customer_id", "")).encode() or b"nobody"
    anywhere, key_is_right = draws.randrange(PARTITIONS), draws.random() < 0.85
    if kind == "observed":  # where its customer is at home, as the checker takes for granted
        topic = topics["signup" if members.get("type") == "signup" else "events"]
        return Sending(at, number, topic, customer, value, None)
    if key_is_right:
        return Sending(at, number, topic, customer, value, anywhere if draws.random() < 0.05 else None)
    return Sending(at, number, topic, draws.choice((None, b"another")), value, anywhere)


def _members(value: bytes) -> dict[str, Any]:
    """Return what a producer knows of an event: nothing where it is none."""
    try:
        members = json.loads(value)
    except ValueError:
        members = None
    return members if isinstance(members, dict) else {}
