"""Segment: calls of its libraries, as HTTP, a Kafka destination and a warehouse hold them; RudderStack writes the same.

A `track` call says what its event's name means; names and properties differ between companies, so that the list of
names is an option, with usual ones by default. All other tracks, pages and screens are activity. A call of somebody who
is not known yet says nothing.
Source: Segment, Spec: Common Fields, Track, Page, Screen, Identify, Group, Alias, and B2B SaaS Event Spec;
docs/adapters/segment.md.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import msgspec

from schemas.adapters.accounts import check_dimensions, check_plan, check_plans
from schemas.adapters.adapter import Adapter, Members, OptionsFault, Translation
from schemas.adapters.cell_prices import price_of
from schemas.adapters.cells import Amount, CellAdvice, CellReader, Currency, Money, zone_of
from schemas.adapters.columns import ROLES, Columns, holds_minor_units, normal_name
from schemas.adapters.describing import described
from schemas.adapters.options import read_options
from schemas.adapters.reading import IgnoredRecord, Node, each_of, translated
from schemas.events import Renewal, SurveyKind
from schemas.wording import nearest_name

NAME: Final = "segment"
Meaning = Literal[
    "signup", "trial", "change", "cancel", "pause", "resume", "survey", "renewal", "onboarding", "activity", "ignore"
]
"""What an event can mean; a trial is a signup that is on trial, `ignore` says nothing."""
Call = Literal["track", "page", "screen"]
_CALLS_WITHOUT_EVENT: Final = frozenset({"identify", "group", "alias"})

#: Usual names of events in lower case, words separated by one space, by what they mean.
_USUAL_NAMES: Final[tuple[tuple[Mapping[str, str], tuple[str, ...]], ...]] = (
    ({"type": "signup"}, ("signed up", "account created", "subscription started", "subscription created")),
    ({"type": "trial"}, ("trial started",)),
    (
        {"type": "change"},
        ("plan changed", "subscription updated", "subscription upgraded", "subscription downgraded", "trial converted"),
    ),
    (
        {"type": "cancel"},
        ("subscription cancelled", "subscription canceled", "subscription ended", "account deleted"),
    ),
    ({"type": "pause"}, ("subscription paused",)),
    ({"type": "resume"}, ("subscription resumed",)),
    ({"type": "survey"}, ("survey answered", "survey submitted")),
    ({"type": "survey", "status": "sent"}, ("survey sent",)),
    ({"type": "survey", "status": "dismissed"}, ("survey dismissed",)),
    ({"type": "survey", "kind": "nps"}, ("nps submitted", "nps answered")),
    ({"type": "survey", "kind": "csat"}, ("csat submitted", "csat answered")),
    ({"type": "renewal", "outcome": "renewed"}, ("subscription renewed",)),
    ({"type": "renewal", "outcome": "declined"}, ("renewal declined",)),
    ({"type": "renewal", "outcome": "failed"}, ("renewal failed",)),
    ({"type": "onboarding"}, ("onboarding completed",)),
)
USUAL_EVENTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {name: event for event, names in _USUAL_NAMES for name in names}
)
#: Members of events that options may name the place of, and the usual names of the properties that hold them.
_PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    **{name: ROLES[name] for name in ("plan", "mrr", "arr", "amount", "interval", "interval_count", "quantity")},
    **{name: ROLES[name] for name in ("currency", "country", "channel", "involuntary")},
    "subscription": ("subscription_id", "subscription"),
    "reason": (*ROLES["reason"], "comment_category", "category"),
    "effective_at": ("effective_at",),
    "kind": ("kind", "survey_type", "survey_kind"),
    "status": ("status",),
    "score": ("score", "rating", "nps_score", "csat_score", "value"),
    "via": ("via", "survey_channel"),
    "outcome": ("outcome",),
    "feature": ("feature", "feature_name"),
})  # fmt: skip
#: Of any other event these are the end of what begins or changes, which may be a term.
_PROPERTIES_OF_CANCELS: Final = {**_PROPERTIES, "effective_at": ("effective_at", "ends_at", "end_date", "cancel_at")}
_find_units: Final = re.compile(r"[1-9]", re.ASCII).search
_ADVICE: Final = CellAdvice(
    currency='send it as the property currency, or say it in the options: events, currency = "USD"',
    decimals="send a number, or a text with a point before its decimals",
    unclear="send a number",
    date_format="",
    day_numbers="",
)
_OF_CALLS: Final = frozenset({"messageId", "userId", "anonymousId", "originalTimestamp"})
_OF_WAREHOUSE: Final = frozenset({"user_id", "anonymous_id", "received_at", "original_timestamp"})


class SegmentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a workspace: what differs between two of them.

    Attributes:
        customer: Where the customer's id stands: `userId`, `groupId` or a path such as `context.traits.account_id`.
        events: By the name of a track event what it means (`type`), and where its members stand or what they are.
        usual_events: Whether the usual names of events mean something without being listed.
        activity: Calls that are activity if they are nothing else.
        members: Further members of a signup, such as dimensions of the settings, each with its path.
        plans: Names of plans by what the events have for them.
        free_plan: The plan of a signup that names none and has no price.
        money: The unit of amounts; revenue is in major units in Segment's own events.
        time_zone: Of times without an offset, which warehouses have.
        test: A path; what is true there is a test.
        source: The events' `source`.
    """

    customer: str = "userId"
    events: dict[str, dict[str, Any]] = {}
    usual_events: bool = True
    activity: tuple[Call, ...] = get_args(Call)
    members: dict[str, str] = {}
    plans: dict[str, str] = {}
    free_plan: str = "free"
    money: Money = "major"
    time_zone: str = "UTC"
    test: str = ""
    source: str = NAME


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    return SegmentCalls(read_options(NAME, options, SegmentOptions))


class SegmentCalls:
    """Translates Segment's calls.

    Args:
        options: Of the workspace.

    Raises:
        OptionsFault: An option is wrong.
    """

    name = NAME

    def __init__(self, options: SegmentOptions) -> None:
        check_dimensions(NAME, "members", options.members)
        check_plans(NAME, "plans", options.plans)
        check_plan(NAME, "free_plan", options.free_plan)
        self._options = options
        self._cells = CellReader(time_zone=zone_of(NAME, options.time_zone), money=options.money, advice=_ADVICE)
        usual = USUAL_EVENTS if options.usual_events else {}
        own = {_spaced(name): _checked(name, event) for name, event in options.events.items()}
        self._events: Mapping[str, Mapping[str, Any]] = {**usual, **own}
        self._columns = Columns(NAME, {}, _PROPERTIES)
        self._columns_of_cancels = Columns(NAME, {}, _PROPERTIES_OF_CANCELS)

    def translate(self, value: bytes) -> Translation:
        """Return what a call says, or all calls of a batch; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, value, self._of_record)

    def _of_record(self, record: Node) -> Iterator[Members]:
        if record.get("batch") is None:
            yield from self._of_call(record)
            return
        yield from each_of(record.objects("batch"), self._of_call)

    def _of_call(self, call: Node) -> Iterator[Members]:
        is_row = _OF_CALLS.isdisjoint(call.members) and not _OF_WAREHOUSE.isdisjoint(call.members)
        kind = _call_of_row(call) if is_row else call.text("type")
        if kind in _CALLS_WITHOUT_EVENT:
            raise IgnoredRecord(kind)
        if kind not in get_args(Call):
            raise call.wrong("type", f"must be one of {', '.join((*get_args(Call), *sorted(_CALLS_WITHOUT_EVENT)))}")
        properties = call if is_row else call.optional_object("properties") or Node({}, "properties")
        name = _event_name(call, kind, properties)
        customer = self._customer(call, is_row=is_row)
        event = self._events.get(_spaced(name)) if kind == "track" else None
        if event is None:
            if kind not in self._options.activity:
                raise IgnoredRecord(f"{kind} {name}".strip())
            event = {"type": "activity"}
        if event["type"] == "ignore":
            raise IgnoredRecord(f"{kind} {name}".strip())
        if not customer:
            raise IgnoredRecord(f"{kind} of somebody who is not known")
        common = {
            "id": _first_text(call, ("messageId", "message_id", "id")),
            "source": self._options.source,
            "customer_id": customer,
            "time": self._time(call),
            **({"test": True} if self._is_test(call) else {}),
        }
        columns = self._columns_of_cancels if event["type"] == "cancel" else self._columns
        reader = _Properties(self._cells, call, properties, columns, event)
        yield {**common, **self._members_of(event["type"], reader, name, call)}

    def _customer(self, call: Node, *, is_row: bool) -> str:
        path = self._options.customer
        if path == "userId":
            return self._cells.text(call, "user_id" if is_row else "userId")
        if path == "groupId":
            if is_row:
                return self._cells.text(call, "group_id") or self._cells.text(call, "context_group_id")
            context = call.optional_object("context")
            return self._cells.text(call, "groupId") or (
                "" if context is None else self._cells.text(context, "groupId")
            )
        return self._cells.text(*call.at(path))

    def _is_test(self, call: Node) -> bool:
        return bool(self._options.test) and self._cells.flag(*call.at(self._options.test))

    def _time(self, call: Node) -> str:
        # `timestamp` is the time of the sender, put right by how wrong its clock was; what was sent is the next best.
        for name in (
            "timestamp",
            "originalTimestamp",
            "original_timestamp",
            "sentAt",
            "sent_at",
            "receivedAt",
            "received_at",
        ):
            moment = self._cells.moment(call, name)
            if moment is not None:
                return moment.text
        raise call.missing("timestamp")

    def _members_of(self, meaning: Meaning, reader: "_Properties", name: str, call: Node) -> Members:
        if meaning in ("signup", "trial"):
            segments = {member: self._cells.text(*call.at(path)) for member, path in self._options.members.items()}
            segments |= {member: reader.text(member) for member in ("country", "channel")}
            trial = {"trial": True} if meaning == "trial" else {}
            return {
                "type": "signup",
                **self._price(reader, is_signup=True),
                **trial,
                **described(segments),
                **reader.lifecycle(),
            }
        if meaning == "change":
            return {"type": "upgrade", **self._price(reader, is_signup=False), **reader.lifecycle()}
        if meaning == "cancel":
            involuntary = {"involuntary": True} if reader.flag("involuntary") else {}
            return {"type": "cancel", **reader.texts("reason"), **involuntary, **reader.lifecycle()}
        if meaning in ("pause", "resume"):
            return {"type": meaning, **reader.lifecycle()}
        if meaning == "survey":
            return {"type": "survey", **reader.survey()}
        if meaning == "renewal":
            return {"type": Renewal.TYPE, "outcome": reader.required("outcome")}
        if meaning == "onboarding":
            return {"type": "onboarding"}
        return {"type": "activity", **described({"feature": reader.text("feature") or name})}

    def _price(self, reader: "_Properties", *, is_signup: bool) -> Members:
        plan, price = reader.text("plan"), price_of(reader)
        if is_signup and not price:
            reader.check_no_revenue()
            # Who signs up without a price is on a free plan until an event says otherwise.
            return {"plan": self._options.plans.get(plan, plan) or self._options.free_plan, "mrr_minor": 0}
        if not plan:
            raise reader.missing("plan")
        if not price:
            raise reader.missing("mrr", "a price is required: mrr, arr, or amount with interval")
        return {"plan": self._options.plans.get(plan, plan), **price}


class _Properties:
    """The members of one event, out of the call's properties, or from where the options say that they stand."""

    def __init__(
        self, cells: CellReader, call: Node, properties: Node, columns: Columns, event: Mapping[str, Any]
    ) -> None:
        self._cells = cells
        self._call = call
        self._properties = properties
        self._found = columns.of(properties.members)
        self._event = event

    def _at(self, member: str) -> tuple[Node, str] | None:
        said = self._event.get(member)
        if isinstance(said, str) and said.partition(".")[0] in ("properties", "context", "traits"):
            return self._call.at(said)
        if said is not None:
            return Node({member: said}, "events"), member
        column = self._found.get(member)
        return None if column is None else (self._properties, column)

    def text(self, member: str) -> str:
        place = self._at(member)
        return "" if place is None else self._cells.text(*place)

    def texts(self, *members: str) -> Members:
        return described({member: self.text(member) for member in members})

    def flag(self, member: str) -> bool:
        place = self._at(member)
        return place is not None and self._cells.flag(*place)

    def count(self, role: str) -> int | None:
        place = self._at(role)
        return None if place is None else self._cells.count(*place)

    def required(self, member: str) -> str:
        text = self.text(member)
        if not text:
            raise self.missing(member)
        return text

    def missing(self, role: str, problem: str = "") -> Exception:
        advice = f'say where it stands in the options: events, {role} = "properties.NAME"'
        return self._properties.missing(role, f"{problem or 'is required'}; {advice}")

    def check_no_revenue(self) -> None:
        """Refuse an event without a price that brought revenue: what came in once need not be what is paid each term.

        Raises:
            SourceFault: It has Segment's property `revenue`, and more than 0 in it.
        """
        for name, found in self._properties.members.items():
            if normal_name(name) == "revenue" and not isinstance(found, bool) and _find_units(str(found)):
                advice = f'if it is the price, say so in the options: events, amount = "properties.{name}", interval'
                raise self._properties.wrong(
                    name, f"is no price: there is none, and without one a plan is free; {advice}"
                )

    def lifecycle(self) -> Members:
        """Return the members that every event of a subscription may have."""
        subscription = self.text("subscription")
        place = self._at("effective_at")
        moment = None if place is None else self._cells.moment(*place)
        return {
            **({"subscription_id": subscription} if subscription else {}),
            **({} if moment is None else {"effective_at": moment.text}),
        }

    def survey(self) -> Members:
        """Return the members of a survey."""
        kind, status, score = self.required("kind").lower(), self.text("status").lower(), self.count("score")
        if kind not in get_args(SurveyKind):
            place = self._at("kind")
            assert place is not None, "it is required"
            raise place[0].wrong(place[1], f"must be one of {', '.join(get_args(SurveyKind))}")
        return {
            "kind": kind,
            **({"status": status} if status else {}),
            **({} if score is None else {"score": score}),
            **self.texts("reason", "via"),
        }

    def amount(self, role: str) -> Amount | None:
        place = self._at(role)
        if place is None:
            return None
        currency = Currency(stated=self.text("currency"))
        return self._cells.amount(*place, currency=currency, is_minor=holds_minor_units(place[1]))

    def interval(self) -> tuple[str, int] | None:
        place = self._at("interval")
        return None if place is None else self._cells.interval(*place)


def _call_of_row(row: Node) -> str:
    """Return which call a row of a warehouse's table is: tracks have an event, pages an address, screens a name."""
    if row.get("event") is not None or row.get("event_text") is not None:
        return "track"
    if row.get("url") is not None or row.get("path") is not None:
        return "page"
    return "screen" if row.get("name") is not None else "identify"


def _event_name(call: Node, kind: str, properties: Node) -> str:
    if kind == "track":
        return call.optional_text("event_text") or call.text("event")
    return call.optional_text("name") or properties.optional_text("name") or ("page" if kind == "page" else "screen")


def _first_text(call: Node, names: tuple[str, ...]) -> str:
    for name in names:
        if call.get(name) is not None:
            return call.text(name)
    raise call.missing(names[0])


def _spaced(name: str) -> str:
    return normal_name(name).replace("_", " ")


def _checked(name: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    known = ("type", *_PROPERTIES)
    meaning = event.get("type")
    if meaning not in get_args(Meaning):
        hint = nearest_name(str(meaning), get_args(Meaning))
        raise OptionsFault(f"[{NAME}] events.{name}.type: {meaning} is none of {', '.join(get_args(Meaning))}{hint}")
    for member in event:
        if member not in known:
            hint = nearest_name(member, known)
            raise OptionsFault(f"[{NAME}] events.{name}.{member}: there is no such member{hint}")
    return event
