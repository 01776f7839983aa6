"""Nasty little logs: few customers, many ties, and everything that producers get wrong.

A pure function of a `random.Random`; no clock. The logs are within the limits of the contract (no customer has too many
facts), so that order of arrival and repetition may not matter to them.
Definitions: the contract, events; the KPI definitions, sections 1 and 2.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from tests.logs.refused_records import refused_record
from tests.logs.shapes import EVERYTHING, Shape
from tests.logs.writing import Members, Writing
from tests.recount.options import Options


@dataclass(frozen=True, kw_only=True)
class Log:
    """A generated log with all that is needed to ask for its numbers.

    Attributes:
        records: In the order of arrival.
        at: Instants worth asking for; bucket boundaries, on whole UTC days when more than a year before the end.
        by: Every dimension there is.
        refusals: How many records must be refused for each reason that occurs.
    """

    records: tuple[bytes, ...]
    at: tuple[datetime, ...]
    by: tuple[str, ...]
    options: Options
    refusals: Mapping[str, int] = field(default_factory=dict)


def generate(random: Random, shape: Shape = EVERYTHING) -> Log:
    """Return a log that depends on nothing but the arguments."""
    writing = Writing(random, shape)
    writing.add_regular()
    writing.add_conflicts()
    writing.add_revokes()
    writing.add_tests()
    events = [writing.finished(members) for members in writing.events]
    records = [written(random, members) for members in events]
    if shape.repeats and records:
        for _ in range(random.randint(0, 1 + len(records) // 4)):
            again = written(random, _otherwise(random, shape, random.choice(events)))
            records.append(random.choice((random.choice(records), again)))
    refusals: Counter[str] = Counter()
    if shape.bad_records:
        for _ in range(random.randint(0, 4)):
            reason, record = refused_record(random, writing.options)
            refusals[reason] += 1
            records.append(record)
    if shape.shuffled:
        random.shuffle(records)
    return Log(
        records=tuple(records),
        at=tuple(writing.at),
        by=("plan", *writing.options.segment_members),
        options=writing.options,
        refusals=refusals,
    )


def rearranged(records: Sequence[bytes], random: Random) -> list[bytes]:
    """Return the records in another order, some of them several times; each at least once."""
    arrivals = [*records, *random.choices(records, k=random.randint(0, len(records)))] if records else []
    random.shuffle(arrivals)
    return arrivals


def smallest_failing(log: Log, fails: Callable[[Log], bool]) -> Log:
    """Return the log with as many records left out as possible while it still fails; it must fail to begin with."""
    assert fails(log), "only a failing log can be made smaller"
    chunk = max(1, len(log.records) // 2)
    while True:
        start = 0
        while start < len(log.records):
            smaller = replace(log, records=log.records[:start] + log.records[start + chunk :])
            if fails(smaller):
                log = smaller
            else:
                start += chunk
        if chunk == 1:
            return log
        chunk //= 2


def written(random: Random, members: Mapping[str, object]) -> bytes:
    """Return the members as JSON, in any order and with or without spaces and escapes."""
    names = list(members)
    if random.random() < 0.3:
        random.shuffle(names)
    separators = random.choice(((",", ":"), (", ", ": ")))
    shuffled = {name: members[name] for name in names}
    return json.dumps(shuffled, ensure_ascii=random.random() < 0.5, separators=separators).encode()


def _otherwise(random: Random, shape: Shape, members: Members) -> Members:
    """Return members that say the same in another way."""
    other = members | {"note": None}
    for name in ("id", "customer_id", "subscription_id", "revokes"):
        if shape.integers and isinstance(members.get(name), int) and random.random() < 0.5:
            other[name] = str(members[name])
    return other
