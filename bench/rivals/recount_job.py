"""The rivals' job as one query over all events: ENGINE BOOTSTRAP TOPIC EVENTS FOLDER; what a simple recount costs.

Neither engine follows a stream: each counts once, when all is there, and keeps no state to go on from. DuckDB counts a
file of the records, which is written first and is not measured; chdb, which is ClickHouse in this process, reads the
topic by its own Kafka engine. Runs in build/rivals/recounts, the environment that tools/install-rivals makes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import duckdb
from confluent_kafka import Consumer

_LAST: Final = {"duckdb": "last_value({} ignore nulls)", "chdb": "anyLast({})"}
"""The last value of a window that is not null."""
_COUNT: Final = """
with standing as (
    select n, customer_id, type, substring(time, 1, 10) as day, plan, mrr_minor,
        coalesce({was_subscribed} over (
            partition by customer_id order by n rows between unbounded preceding and 1 preceding
        ), 0) as was_subscribed
    from events
),
effective as (
    select *, case when type = 'signup' or (type <> 'survey' and was_subscribed = 1) then 1 else 0 end as counts
    from standing
),
changes as (
    select *, case when counts = 1 then case type when 'cancel' then 0 else mrr_minor end end as after
    from effective
),
followed as (
    select day, type, counts, was_subscribed, after,
        coalesce({last_plan} over (
            partition by customer_id order by n rows between unbounded preceding and current row
        ), 'none') as last_plan,
        coalesce({before} over (
            partition by customer_id order by n rows between unbounded preceding and 1 preceding
        ), 0) as before
    from changes
)
select day,
    case when counts = 1 or (type = 'survey' and was_subscribed = 1) then last_plan else 'none' end as cell_plan,
    sum(case when counts = 1 and before = 0 and after > 0 then 1 else 0 end),
    sum(case when counts = 1 and before > 0 and after = 0 then 1 else 0 end),
    sum(case when counts = 1 and before > 0 and after > before then 1 else 0 end),
    sum(case when counts = 1 and after > 0 and after < before then 1 else 0 end),
    sum(case when type = 'survey' then 1 else 0 end),
    sum(case when counts = 1 then after - before else 0 end)
from followed group by day, cell_plan
"""
_DEADLINE_SECONDS: Final = 600


def query(engine: str) -> str:
    """Return the query that counts the table `events`, in whose `n` their order is, by day and plan."""
    last = _LAST[engine].format
    return _COUNT.format(
        was_subscribed=last("case type when 'signup' then 1 when 'cancel' then 0 end"),
        last_plan=last("case when counts = 1 and type <> 'cancel' then plan end"),
        before=last("after"),
    )


def cells_of(rows: Iterable[Any]) -> dict[str, list[int]]:
    """Return the counters of each cell out of the query's rows."""
    return {f"{day}|{plan}": [int(counter) for counter in counters] for day, plan, *counters in rows}


def count_file(path: Path) -> dict[str, list[int]]:
    """Count the events of a file, one a line, with DuckDB on one thread."""
    with duckdb.connect(config={"threads": 1, "preserve_insertion_order": True}) as connection:
        connection.execute(
            "create temp table events as select row_number() over () as n, * from read_json("
            "$1, format = 'newline_delimited', columns = {type: 'VARCHAR', time: 'VARCHAR', customer_id: 'VARCHAR', "
            "plan: 'VARCHAR', mrr_minor: 'BIGINT'})",
            [str(path)],
        )
        return cells_of(connection.execute(query("duckdb")).fetchall())


def count_topic(bootstrap: str, topic: str, events: int, folder: str) -> dict[str, list[int]]:
    """Count the events of a topic with chdb on one thread, once it has read all of them."""
    from chdb.session import Session  # noqa: PLC0415 - the file's own environment alone has it

    session = Session(folder)
    session.query(
        "create table log (type String, time String, customer_id String, plan String, mrr_minor Int64) engine = Kafka "
        f"settings kafka_broker_list = '{bootstrap}', kafka_topic_list = '{topic}', kafka_group_name = 'chdb', "
        "kafka_format = 'JSONEachRow', kafka_max_block_size = 65536, kafka_flush_interval_ms = 500, "
        "input_format_skip_unknown_fields = 1"
    )
    session.query(
        "create table events (n UInt64, type String, time String, customer_id String, plan String, mrr_minor Int64) "
        "engine = MergeTree order by n"
    )
    session.query("create materialized view reader to events as select _offset as n, * from log")
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while int(str(session.query("select count() from events", "CSV"))) < events:
        if time.monotonic() > deadline:
            raise TimeoutError(f"chdb has not read {events} events within {_DEADLINE_SECONDS} s")
        time.sleep(0.05)
    found = session.query(query("chdb") + " settings max_threads = 1", "JSONCompactEachRow")
    return cells_of(json.loads(line) for line in str(found).splitlines())


def save(bootstrap: str, topic: str, events: int, path: Path) -> None:
    """Write the values of a topic into a file, one a line, in their order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "recount", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    left = events
    with path.open("wb") as file:
        while left:
            records = consumer.consume(min(left, 10_000), timeout=10)
            file.writelines((record.value() or b"") + b"\n" for record in records)
            left -= len(records)
    consumer.close()


def cpu_seconds() -> float:
    """Return the CPU time of this process (seconds)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Count, and print what it took and counted as a line of JSON."""
    engine, bootstrap, topic, count, folder = sys.argv[1:]
    events, path = int(count), Path(folder) / "events.ndjson"
    if engine == "duckdb":
        save(bootstrap, topic, events, path)
    first_cpu, first = cpu_seconds(), time.perf_counter()
    cells = count_file(path) if engine == "duckdb" else count_topic(bootstrap, topic, events, folder)
    found = {
        "events": events,
        "cpu_seconds": cpu_seconds() - first_cpu,
        "wall_seconds": time.perf_counter() - first,
        "startup_seconds": first_cpu,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "cells": cells,
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
