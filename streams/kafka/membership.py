"""Group membership: heartbeats, errors of coordination, and an instance id that is taken.

aiokafka lets two workers with one instance id push each other out for ever, and leaves what the coordinator refuses to
the next read, which does not come while partitions are shared out. Here the one that was pushed out gives way until the
other is gone, and whatever an operator can mend is waited for. All methods run in the consumer's thread.
"""

# aiokafka offers no other way to its coordinator: docs/decisions/0018.

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    NoError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

from streams.backoff import Backoff
from streams.batching.client_errors import unavailable
from streams.batching.consumer import SAID_SECONDS
from streams.errors import LogUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from streams.kafka.assignor import CoPartitionedAssignor

log = structlog.get_logger(__name__)
_FENCED_INSTANCE_ID: Final = 82
"""Kafka's code for a static member whose place another one has taken; aiokafka does not know it."""


class _Described(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 15
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", String("utf-8")),
                ("state", String("utf-8")),
                ("protocol_type", String("utf-8")),
                ("protocol", String("utf-8")),
                (
                    "members",
                    Array(
                        ("member_id", String("utf-8")),
                        ("group_instance_id", String("utf-8")),
                        ("client_id", String("utf-8")),
                        ("client_host", String("utf-8")),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _Describe(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 15
    API_VERSION = 4
    RESPONSE_TYPE = _Described
    SCHEMA = Schema(("groups", Array(String("utf-8"))), ("include_authorized_operations", Boolean))


class DescribeGroup(Request[_Describe]):  # type: ignore[misc]  # aiokafka has no types
    """Asks who is in a group, with instance ids, which aiokafka's own request leaves out (Kafka 2.4 and newer)."""

    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_Describe]) -> _Describe:
        """See aiokafka."""
        return request_struct_class([self._group], False)


class GroupMembership:
    """One consumer's place in its group, from the time on when its coordinator exists."""

    def __init__(
        self, coordinator: Any, assignor: CoPartitionedAssignor, *, on_fatal: Callable[[Exception], None]
    ) -> None:
        """Take over what aiokafka's coordinator does about heartbeats, errors and joining.

        Args:
            coordinator: Of an aiokafka consumer that has started and not subscribed yet.
            assignor: Of the same consumer.
            on_fatal: Told what no waiting mends: the group is refused before this worker was ever in it.
        """
        #: when the coordinator last agreed that we are in the group (time.monotonic)
        self.heard_seconds = -math.inf
        #: whether another worker uses our instance id
        self.is_taken = False
        #: what the coordinator refused last; None once we are in the group again
        self.trouble: LogUnavailable | None = None
        self._coordinator = coordinator
        self._assignor = assignor
        self._on_fatal = on_fatal
        self._backoff = Backoff()
        #: the member id that Kafka gave us last
        self._own: str | None = None
        #: partitions of each topic in an assignment that another one was asked for
        self._outgrown: dict[str, int] | None = None
        self._said_seconds = -math.inf
        self._send: Callable[[Any], Coroutine[Any, Any, Any]] = coordinator._send_req
        self._heartbeat: Callable[[], Coroutine[Any, Any, bool]] = coordinator._do_heartbeat
        self._join: Callable[[Any], Coroutine[Any, Any, bool]] = coordinator._do_rejoin_group
        coordinator._send_req = self._sent
        coordinator._do_heartbeat = self._heartbeat_noted
        coordinator._do_rejoin_group = self._join_where_free
        coordinator._push_error_to_user = self._wait_after

    def confirm(self) -> None:
        """Note that the coordinator knows us."""
        self.heard_seconds = time.monotonic()
        self.trouble, self._backoff = None, Backoff()

    async def _heartbeat_noted(self) -> bool:
        asked_seconds = time.monotonic()
        recognised = await self._heartbeat()
        if recognised:
            self.heard_seconds, self.trouble = asked_seconds, None
        return recognised

    async def _sent(self, request: Any) -> Any:
        """Send a request to the coordinator; remember who we are, and that we are it no more."""
        answer = await self._send(request)
        if getattr(answer, "error_code", 0) == _FENCED_INSTANCE_ID:
            self._coordinator.reset_generation()
            raise UnknownMemberIdError
        if isinstance(request, JoinGroupRequest) and for_code(answer.error_code) is NoError:
            self._own = answer.member_id
        return answer

    # -- errors

    async def _wait_after(self, error: Exception) -> None:
        """Wait after an error of coordination, and have the group joined anew by whatever task has ended with it."""
        coordinator = self._coordinator
        group = coordinator.group_id
        if isinstance(error, GroupAuthorizationFailedError) and self._own is None:
            self._on_fatal(GroupAuthorizationFailedError(group))
        self.trouble = unavailable(error, f"membership of the group {group!r}")
        log.warning("group_coordination_failed", reason=str(self.trouble), pause_seconds=self._backoff.seconds)
        for task in (coordinator._heartbeat_task, coordinator._commit_refresh_task):
            if task is not None and task.done() and not task.cancelled() and task.exception() is not None:
                coordinator.request_rejoin()  # which starts them again
        await self._pause(self._backoff.take())

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end; aiokafka does not join for those who have not read for long, so we have."""
        await asyncio.wait({self._coordinator._closing}, timeout=seconds)
        with self._coordinator._subscription.fetch_context():
            pass

    # -- an instance id that is taken

    async def _join_where_free(self, subscription: Any) -> bool:
        """Join the group; not while another worker is in it under our instance id, who took our place."""
        coordinator = self._coordinator
        if coordinator._group_instance_id and self._own and coordinator.member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID:
            try:
                host = await self._host_of_twin()
            except KafkaError as error:
                log.warning("group_not_looked_at", reason=repr(error))
                await self._pause(coordinator._heartbeat_interval_ms / 1000)
                return False
            if host is not None:
                self._say(host)
                await self._pause(coordinator._heartbeat_interval_ms / 1000)
                return False
            if self.is_taken:
                log.info("instance_id_free", instance_id=coordinator._group_instance_id)
        self.is_taken, self._said_seconds = False, -math.inf
        joined = await self._join(subscription)
        if joined:
            self._ask_where_outgrown(subscription)
        return joined

    def _ask_where_outgrown(self, subscription: Any) -> None:
        """Have the group joined once more where topics have more partitions than were assigned.

        Whoever comes back under its instance id is given what was assigned before, and sees no change of topics: it
        knows them in their new size only. Of all who join again Kafka lets the leader assign anew.
        """
        coordinator, assignor = self._coordinator, self._assignor
        if not assignor.are_unassigned(coordinator._cluster, subscription.topics):
            self._outgrown = None
        elif assignor.assigned_counts != self._outgrown:  # once: where we do not lead, it is for the leader to do so
            self._outgrown = assignor.assigned_counts
            log.warning("partitions_unassigned", assigned_of=self._outgrown)
            seconds = coordinator._heartbeat_interval_ms / 1000
            asyncio.get_running_loop().call_later(seconds, coordinator.request_rejoin)

    async def _host_of_twin(self) -> str | None:
        """Return where the worker runs that is in the group under our instance id; None where none is."""
        coordinator = self._coordinator
        try:
            (group,) = (await self._send(DescribeGroup(coordinator.group_id))).groups
        except IncompatibleBrokerVersion:
            return None  # a Kafka that knows static members, and does not show them: 2.3
        error = for_code(group[0])
        if error is GroupAuthorizationFailedError:
            return None  # joining is refused too, and says so
        if error is not NoError:
            coordinator.coordinator_dead()
            raise error
        self.heard_seconds = time.monotonic()
        hosts = [
            str(host).removeprefix("/")
            for member, instance, _, host, *_ in group[5]
            if instance == coordinator._group_instance_id and member != self._own
        ]
        return hosts[0] if hosts else None

    def _say(self, host: str) -> None:
        self.is_taken = True
        if time.monotonic() - self._said_seconds >= SAID_SECONDS:
            self._said_seconds = time.monotonic()
            log.error(
                "instance_id_taken",
                instance_id=self._coordinator._group_instance_id,
                group=self._coordinator.group_id,
                other_host=host,
            )
