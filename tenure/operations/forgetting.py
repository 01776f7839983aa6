"""Forgetting a customer: what is known of them, where their id still stands, and the request to forget them.

Who carries the request out: `streams.partition.forgetting`. What stays, and why: docs/forgetting.md.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kpis.customer.customer import feedback_of
from kpis.customer.forgetting import subscriptions_of
from kpis.customer.pseudonyms import ForgetKey, ForgottenCustomer
from kpis.customer.state import Customer, decode
from kpis.instants import instant_text
from schemas.documents.forgetting import Forgetting, InputTopicKept
from schemas.documents.topics import TopicRetention
from schemas.tombstones import ForgetRequest, decode_request, encode_request
from streams.errors import CheckFailed, ConfigurationError
from streams.forgetting.forgotten import Forgotten, forget_key_of
from tenure.operations.dead_letters import dead_letter_records, letter_of
from tenure.operations.topic_records import records_in
from tenure.operations.topics import FORGOTTEN, State, Topic, fault_of, look
from tenure.stored.customers import read_customer
from tenure.stored.forgotten import known_forgotten
from tenure.stored.opening import running_tables

if TYPE_CHECKING:
    from streams.records import ReadableRecord
    from streams.settings.settings import Settings
    from streams.tables import Tables

_LOOK_AGAIN_SECONDS: Final = 0.2


def required_key(settings: Settings) -> ForgetKey:
    """Return the key of the settings.

    Raises:
        ConfigurationError: They have none.
    """
    key = forget_key_of(settings)
    if key is None:
        raise ConfigurationError(
            "TENURE_FORGET_KEY",
            None,
            "without it nobody can be forgotten; make one by `openssl rand -hex 32`, and set it for all workers too",
        )
    return key


async def look_at_customer(settings: Settings, customer_id: str, tell: Callable[[str], None]) -> Forgetting:
    """Return what there is to forget of a customer, and where their id stands; nothing is changed.

    Args:
        settings: Of the stream.
        customer_id: Who, letter by letter.
        tell: Told in a line what was not read.

    Raises:
        ConfigurationError: There is no key, or another one than customers were forgotten with.
        CheckFailed: There is no such customer; or no topic of tombstones, or one that loses them.
        TenureError: As `running_tables`; Kafka does not answer.
    """
    required_key(settings)
    topics = await look(settings)
    _check_topic(topics)
    async with known_forgotten(settings) as forgotten, running_tables(settings) as (tables, mark):
        who = forgotten.find(customer_id)
        found = await read_customer(settings, tables, mark.partitions, customer_id)
    if found is None and who is None:
        raise CheckFailed(
            f"there is no customer {customer_id!r}: no event of theirs was applied, and nobody of this id is "
            "forgotten; ids are compared letter by letter"
        )
    customer = Customer() if found is None else decode(found.state)
    there = {topic.topic for topic in topics if topic.state is not State.MISSING}
    return Forgetting(
        customer_id=customer_id,
        outcome="to_confirm" if found is not None else "forgotten_before",
        at=None if who is None else instant_text(who.at_ms),
        partition=None if found is None else found.partition,
        open=customer.is_open,
        events=customer.facts + len(feedback_of(customer)) + len(customer.touchpoints),
        subscriptions=len(subscriptions_of(customer)),
        dead_letters=await _dead_letters_of(settings, customer_id, there, tell),
        survey_requests=await _survey_requests_of(settings, customer_id, there, tell),
        topics=[_kept(topic) for topic in topics if topic.is_input],
    )


async def forget_customer(settings: Settings, found: Forgetting, *, now_ms: int, wait_seconds: float) -> Forgetting:
    """Ask the owner of a customer's partition to forget them, and wait until that is done.

    Args:
        settings: Of the stream.
        found: What `look_at_customer` has returned.
        now_ms: The time (ms since 1970).
        wait_seconds: How long to wait.

    Returns:
        The same, with what has become of it.
    """
    key, partition, customer_id = required_key(settings), found.partition, found.customer_id
    assert partition is not None, "there is nobody to forget"
    deadline = time.monotonic() + wait_seconds
    async with known_forgotten(settings) as forgotten, running_tables(settings) as (tables, _):
        there = (await tables.forget_requests(partition)).get(customer_id)
        if there is None or _is_with_another_key(there, key):
            request = encode_request(ForgetRequest(now_ms, key.check))
            await tables.ask_to_forget(partition, customer_id, request, there)
        while (who := await _done(tables, forgotten, partition, customer_id)) is None:
            if time.monotonic() >= deadline:
                return replace(found, outcome="asked")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return replace(found, outcome="forgotten", at=instant_text(who.at_ms))


def _is_with_another_key(request: bytes, key: ForgetKey) -> bool:
    """Return whether a request was made with a key that is not ours, and nobody has begun to carry it out."""
    found = decode_request(request)
    return found.tombstone is None and found.check != key.check


async def _done(tables: Tables, forgotten: Forgotten, partition: int, customer_id: str) -> ForgottenCustomer | None:
    """Return a customer once the request is carried out; None before."""
    if customer_id in await tables.forget_requests(partition):
        return None
    await forgotten.refresh()
    return forgotten.find(customer_id)


def _check_topic(topics: list[Topic]) -> None:
    fault = fault_of([topic for topic in topics if topic.setting == FORGOTTEN])
    if fault is not None:
        raise CheckFailed(fault)


def _kept(topic: Topic) -> InputTopicKept:
    retention = None if topic.retention is None else TopicRetention(**topic.retention._asdict())
    return InputTopicKept(topic=topic.topic, retention=retention)


# ------------------------------------------------------------------------- where the id still stands


async def _dead_letters_of(
    settings: Settings, customer_id: str, there: set[str], tell: Callable[[str], None]
) -> list[str]:
    if settings.dead_letter_topic not in there:
        return []
    holds = mentions(customer_id)
    found: dict[str, None] = {}
    async for record in dead_letter_records(settings, tell):
        letter = letter_of(record) if holds(record) else None
        if letter is not None:
            found[str(letter.place)] = None
    return list(found)


async def _survey_requests_of(
    settings: Settings, customer_id: str, there: set[str], tell: Callable[[str], None]
) -> list[str]:
    topic = settings.survey_request_topic
    if topic not in there:
        return []
    wanted = customer_id.encode()
    return [
        f"{topic}/{record.partition}/{record.offset}"
        async for records in records_in(settings, [topic], what="where surveys are announced", tell=tell)
        for record in records
        if record.key == wanted
    ]


def mentions(customer_id: str) -> Callable[[ReadableRecord], bool]:
    """Return what tells whether a record holds an id: as its key, as the value of a header, or as text or number in it.

    Args:
        customer_id: The id.
    """
    whole = customer_id.encode()
    forms = [re.escape(json.dumps(customer_id, ensure_ascii=ascii_only).encode()) for ascii_only in (True, False)]
    if customer_id.isascii() and customer_id.isdecimal():
        forms.append(rb"(?<![\w.\"-])%b(?![\w.\"])" % whole)
    found = re.compile(b"|".join(forms)).search

    def holds(record: ReadableRecord) -> bool:
        if record.key == whole or any(value == whole for _, value in record.headers):
            return True
        return record.value is not None and found(record.value) is not None

    return holds
