"""The intake: what becomes of a request's events and of a webhook, from their bytes to Kafka.

Knows nothing of HTTP beyond what a refusal is called there; `tenure.gateway.application` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from schemas.adapters.adapter import Adapter
from schemas.decoding.decoder import Decoder
from schemas.refusals import Refusal, member_of
from streams.clock import Clock
from streams.errors import LogUnavailable, RecordRefused
from streams.kafka.delivery import OutgoingRecord, Pending, RecordTooLarge
from streams.routing import Router
from streams.settings.meaning import decoder_of
from streams.translation.foreign_records import SentRecord, records_of, refused_record
from streams.translation.parcels import NotUnderstood, oversized
from tenure.gateway.answers import EventsAnswer, MendedEvent, RefusedEvent, WebhookAnswer
from tenure.gateway.bodies import BodyError, Incoming, events_in
from tenure.gateway.judging import Judged, addressed, id_of, judged
from tenure.gateway.meters import EVENTS, WEBHOOKS, GatewayMeters
from tenure.gateway.room import HeldRoom

if TYPE_CHECKING:
    from streams.settings.settings import Settings

AWAY_SECONDS: Final = 5
"""After how long a sender may ask again whether Kafka is back."""


class Deliverer(Protocol):
    """A sender of records to Kafka; see `streams.kafka.delivery.KafkaDelivery`."""

    async def deliver(
        self, records: Sequence[OutgoingRecord], seconds: float, *, pending: Callable[[Pending], None]
    ) -> None:
        """Send records, and wait until Kafka has all of them."""


class RequestRefused(Exception):
    """A request of which nothing is acknowledged.

    Args:
        status: Of HTTP.
        message: What is wrong and what to do.
        refused: The events that are why.
        headers: For the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        refused: tuple[RefusedEvent, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.refused = refused
        self.headers = dict(headers or {})
        super().__init__(message)


def come_again(message: str, seconds: int, status: int = 503) -> RequestRefused:
    """Return the refusal of a request that may be sent again after some seconds."""
    return RequestRefused(status, message, headers={"Retry-After": str(seconds)})


@dataclass(frozen=True)
class Intake:
    """Takes events and webhooks.

    Attributes:
        settings: Names of topics, limits.
        decoder: Of the live stream.
        router: Chooses topics.
        delivery: Takes records to Kafka.
        meters: Count.
        clock: Tells when events reach the log.
    """

    settings: Settings
    decoder: Decoder
    router: Router
    delivery: Deliverer
    meters: GatewayMeters
    clock: Clock

    @classmethod
    def of(cls, settings: Settings, delivery: Deliverer, meters: GatewayMeters, clock: Clock) -> Intake:
        """Return an intake with what the settings ask for."""
        return cls(settings, decoder_of(settings), Router(settings), delivery, meters, clock)

    async def take_events(
        self, body: bytes, content_type: str, headers: Mapping[str, str], *, sender: str, partial: bool, lease: HeldRoom
    ) -> EventsAnswer:
        """Take the events of a producer.

        Args:
            body: Byte for byte.
            content_type: One of `tenure.gateway.bodies.CONTENT_TYPES`.
            headers: Of the request.
            sender: Name of the producer.
            partial: Whether the others are sent where some are wrong.
            lease: The request's room.

        Raises:
            RequestRefused: Kafka has not all of them, or some are wrong and nothing was sent.
        """
        try:
            events = events_in(body, content_type, headers)
        except BodyError as error:
            raise RequestRefused(error.status, str(error)) from error
        found = await judged(events, self.decoder, self.clock.now_ms())
        refused = _refused(events, found)
        self.meters.refused(EVENTS, sender, (refusal.reason for refusal in found.refused.values()))
        if refused and not partial:
            raise RequestRefused(422, _all_or_nothing(len(refused), len(events)), refused=refused)
        right = [event for n, event in enumerate(events) if n not in found.refused]
        sent = await addressed(right, self.router)
        try:
            await self._deliver([each.record for each in sent], lease)
        except RecordTooLarge as error:
            advice = "send smaller events, or raise max.message.bytes of the topic"
            raise RequestRefused(413, f"{error}; {advice}") from error
        self.meters.sent(EVENTS, sender, (each.event_type for each in sent))
        mended = tuple(MendedEvent(index=n, members=members) for n, members in sorted(found.mended.items()))
        return EventsAnswer(accepted=len(sent), refused=refused, mended=mended)

    async def take_webhook(self, adapter: Adapter, body: bytes, lease: HeldRoom) -> WebhookAnswer:
        """Take a record of another system, whose signature has been checked.

        What it does not say rightly, its sender cannot mend: it goes to Kafka all the same, and becomes a dead letter.

        Raises:
            RequestRefused: Kafka does not have it.
        """
        found = records_of(adapter, body, "a webhook")
        if found.refusal is not None:
            letter = await self._deliver_letter(adapter, body, found.refusal, lease)
            return WebhookAnswer(accepted=0, dead_letters=(letter,))
        if found.ignored:
            self.meters.ignored(adapter.name)
            return WebhookAnswer(accepted=0, ignored=found.ignored)
        events = [Incoming(*sent) for sent in found.records]
        judgement = await judged(events, self.decoder, self.clock.now_ms())
        sent = await addressed(events, self.router)
        too_large = await self._deliver_what_fits([each.record for each in sent], lease)
        letters = _refused(events, judgement)
        if too_large:
            topic = sent[too_large[0]].record.topic
            letters += (await self._deliver_letter(adapter, body, oversized(adapter, topic), lease),)
        self.meters.refused(WEBHOOKS, adapter.name, (refusal.reason for refusal in judgement.refused.values()))
        left = {*judgement.refused, *too_large}
        right = [each.event_type for n, each in enumerate(sent) if n not in left]
        self.meters.sent(WEBHOOKS, adapter.name, right)
        return WebhookAnswer(accepted=len(right), dead_letters=letters)

    async def _deliver_letter(self, adapter: Adapter, body: bytes, refusal: Refusal, lease: HeldRoom) -> RefusedEvent:
        """Deliver a record that becomes a dead letter, in the first form that Kafka takes; return what is told of it.

        The stream would call one that is too large for it that, and not what the adapter says: its beginning is sent.
        """
        ((value, headers),) = refused_record(adapter, body, refusal).records
        letter = NotUnderstood(SentRecord(value, headers), self.router.mixed_topic, None, None, b"webhook")
        step = int(len(body) > self.settings.max_record_bytes)
        while (form := letter.form(step)) is not None:
            try:
                await self._deliver([OutgoingRecord(form.topic, form.key, form.value or b"", form.headers)], lease)
            except RecordTooLarge:
                step += 1
            else:
                self.meters.refused(WEBHOOKS, adapter.name, [refusal.reason])
                return _told(0, Incoming(body), refusal, by_adapter=True)
        raise come_again(f"{letter.topic} does not take even 512 bytes; raise its max.message.bytes", AWAY_SECONDS)

    async def _deliver_what_fits(self, records: Sequence[OutgoingRecord], lease: HeldRoom) -> tuple[int, ...]:
        """Deliver records, and return the places of those that Kafka finds too large."""
        try:
            await self._deliver(records, lease)
        except RecordTooLarge:
            return tuple([n for n, record in enumerate(records) if not await self._fits(record, lease)])
        return ()

    async def _fits(self, record: OutgoingRecord, lease: HeldRoom) -> bool:
        try:
            await self._deliver([record], lease)
        except RecordTooLarge:
            return False
        return True

    async def _deliver(self, records: Sequence[OutgoingRecord], lease: HeldRoom) -> None:
        """Return when Kafka has all records.

        Raises:
            RecordTooLarge: It takes none of the size of one of them.
            RequestRefused: It has not all of them.
        """
        try:
            await self.delivery.deliver(records, self.settings.gateway_timeout_seconds, pending=lease.keep_until)
        except RecordTooLarge:
            raise
        except LogUnavailable as error:
            advice = "" if isinstance(error, RecordRefused) else "; send it again: what arrives twice counts once"
            raise come_again(f"{error}{advice}", AWAY_SECONDS) from error


def _all_or_nothing(wrong: int, events: int) -> str:
    """Return why nothing was sent, and what to do; counts of events."""
    advice = "correct them and send all again"
    if wrong < events:
        advice += ", or send with ?partial=true what is right"
    return f"{wrong:,} of {events:,} events would not be applied, so none was sent; {advice}"


def _refused(events: Sequence[Incoming], found: Judged) -> tuple[RefusedEvent, ...]:
    return tuple(_told(n, events[n], refusal) for n, refusal in sorted(found.refused.items()))


def _told(index: int, event: Incoming, refusal: Refusal, *, by_adapter: bool = False) -> RefusedEvent:
    return RefusedEvent(
        index=index,
        reason=refusal.reason.value,
        detail=refusal.detail,
        id=id_of(event),
        member=member_of(refusal.detail, by_adapter=by_adapter),
    )
