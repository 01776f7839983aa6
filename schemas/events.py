"""The events that customers' systems send, as msgspec structs.

Shape and bounds that msgspec checks in C stand here; rules about values (slugs, countries, reserved words) are applied
by `schemas.decoding.decoder`, because patterns in the structs would cost more than the rest of the decoding.
An absent optional string is "", so that no member is ever None but `effective_at`. What the structs refuse may still
be an event: a member that is sent in another form than is kept is read by `schemas.decoding.diagnosis`.
Source: docs/events.md.

What else there is to know of a type, its class says: the topic that it belongs on, whether it moves the timeline,
whether it is known when it comes again. Topics, decoding, schema, reserved names and demo are made of `EVENT_TYPES`.
"""

import datetime as dt
import re
from functools import cache
from typing import Annotated, ClassVar, Final, Literal, get_args, get_origin

import msgspec

from schemas.survey_scales import SCALES

MRR_MINOR_MAX: Final = 10**12
SCORE_MAX: Final = {kind: scale.highest for kind, scale in SCALES.items()}
SCORE_MIN: Final = {kind: scale.lowest for kind, scale in SCALES.items()}

EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=256, extra={"form": "id"})]
SubscriptionId = Annotated[str, msgspec.Meta(max_length=128, extra={"form": "id"})]
CustomerId = Annotated[str, msgspec.Meta(min_length=1, max_length=128, extra={"form": "id"})]
Instant = Annotated[dt.datetime, msgspec.Meta(tz=True, extra={"form": "instant"})]
Sequence = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64, extra={"form": "label"})]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=64, extra={"form": "slug"})]
# Of members that only describe an event: whatever is sent, it never costs the event.
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=64, extra={"form": "note"})]
Segment = Annotated[str, msgspec.Meta(min_length=1, max_length=64, extra={"form": "segment"})]
Country = Annotated[str, msgspec.Meta(min_length=1, max_length=64, extra={"form": "country"})]
Currency = Annotated[str, msgspec.Meta(min_length=3, max_length=3, extra={"form": "currency"})]
MrrMinor = Annotated[int, msgspec.Meta(ge=0, le=MRR_MINOR_MAX)]
AmountMinor = Annotated[int, msgspec.Meta(ge=0)]
Interval = Literal["day", "week", "month", "year"]
IntervalCount = Annotated[int, msgspec.Meta(ge=1)]
Quantity = Annotated[int, msgspec.Meta(ge=0)]
# No value passes, so that the fast path fails at no cost to the events without such a member.
_IntegerOfDiagnosis = Annotated[int, msgspec.Meta(ge=1, le=0)] | msgspec.UnsetType
_TextOfDiagnosis = Annotated[str, msgspec.Meta(min_length=1, max_length=0)] | msgspec.UnsetType
Score = Annotated[int, msgspec.Meta(ge=0, le=10)]
#: Those that counts know.
SurveyKind = Literal["nps", "csat"]
#: Every kind: the keys of `SCALES`.
AnySurveyKind = Literal[SurveyKind, "ces", "ease", "value", "pmf"]
SurveyStatus = Literal["sent", "answered", "dismissed"]
#: The ways in which a customer can be asked.
AskedWay = Literal["in_app", "email", "outreach"]
OTHER_WAY: Final = "other"
#: `other` stands for every way that is none of the three.
SurveyWay = Literal[AskedWay, "other"]
Way = Annotated[SurveyWay, msgspec.Meta(extra={"form": "way"})]
RenewalOutcome = Literal["renewed", "declined", "failed"]
TicketId = Annotated[str, msgspec.Meta(min_length=1, max_length=128, extra={"form": "id"})]
TicketStatus = Literal["opened", "answered", "solved"]
MarkKind = Literal["release", "price", "campaign", "incident", "other"]
LONGEST_TITLE: Final = 200
"""Of a mark (characters)."""
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TITLE)]
#: Whose events are those of no customer: no event can name it.
NO_CUSTOMER: Final = ""
_NoCustomer = Annotated[str, msgspec.Meta(max_length=0)]
#: The product's own segment values.
RESERVED_LABELS: Final = frozenset({"none", "other"})
_DIMENSION_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Event(msgspec.Struct, tag_field="type", frozen=True, kw_only=True, gc=False):
    """The members that every event has.

    `time` is exact to the microsecond where the text has at most six decimals; the event's time in milliseconds, cut
    and never rounded, is what the decoder returns beside the event. `source` defaults to the topic of the event's type.

    Attributes:
        TYPE: The type's name, as events carry it.
        OWN_MEMBERS: What it has beyond the members of all, in the order in which they are checked.
        TOPIC: The topic that it belongs on, by default.
        IS_LIFECYCLE: Whether it moves a customer's timeline, or takes back what does.
        HAS_IDENTITY: Whether it is known when it comes again; without one, each is applied.
        HAS_CUSTOMER: Whether it happens to a customer; without one, a member `customer_id` is not read.
    """

    TYPE: ClassVar[str] = ""
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ()
    TOPIC: ClassVar[str] = ""
    IS_LIFECYCLE: ClassVar[bool] = False
    HAS_IDENTITY: ClassVar[bool] = True
    HAS_CUSTOMER: ClassVar[bool] = True

    id: EventId
    customer_id: CustomerId
    time: Instant
    source: str = ""
    sequence: Sequence = 0
    test: bool = False


class LifecycleEvent(Event, frozen=True, kw_only=True):
    """A fact that moves one subscription of a customer, at `effective_at` where there is one, else at `time`."""

    IS_LIFECYCLE: ClassVar[bool] = True

    subscription_id: SubscriptionId = ""
    effective_at: Instant | None = None


#: The members of a price that is sent as an amount, each as it is read.
PRICE_BY_AMOUNT: Final[dict[str, object]] = {
    "amount_minor": AmountMinor,
    "interval": Interval,
    "interval_count": IntervalCount,
    "quantity": Quantity,
}
PRICE_MEMBERS: Final = ("mrr_minor", *PRICE_BY_AMOUNT, "currency")


class PricedEvent(LifecycleEvent, frozen=True, kw_only=True):
    """A fact that says a plan and a price.

    Attributes:
        mrr_minor: The MRR in minor units of `currency`, once decoded, however the price was sent.
        currency: In capitals; "" is the default one.
        amount_minor: Never there in a decoded event, like the three that follow: `mrr_minor` says what they come to.
    """

    plan: Label
    mrr_minor: MrrMinor
    amount_minor: _IntegerOfDiagnosis = msgspec.UNSET
    interval: _TextOfDiagnosis = msgspec.UNSET
    interval_count: _IntegerOfDiagnosis = msgspec.UNSET
    quantity: _IntegerOfDiagnosis = msgspec.UNSET
    currency: Currency = ""
    trial: bool = False


class Signup(PricedEvent, tag="signup", frozen=True, kw_only=True):
    """A subscription starts, or starts again. Dimensions of the settings are members of a subclass."""

    TYPE: ClassVar[str] = "signup"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = (
        "plan", *PRICE_MEMBERS, "trial", "country", "channel", "subscription_id", "effective_at",
    )  # fmt: skip
    TOPIC: ClassVar[str] = "customer.signup"

    source: str = TOPIC
    country: Country = ""
    channel: Segment = ""


class Cancel(LifecycleEvent, tag="cancel", frozen=True, kw_only=True):
    """A subscription ends, now or at `effective_at`."""

    TYPE: ClassVar[str] = "cancel"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("reason", "involuntary", "subscription_id", "effective_at")
    TOPIC: ClassVar[str] = "customer.cancel"

    source: str = TOPIC
    reason: Note = "unspecified"
    involuntary: bool = False


class Pause(LifecycleEvent, tag="pause", frozen=True, kw_only=True):
    """A subscription pauses."""

    TYPE: ClassVar[str] = "pause"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("subscription_id", "effective_at")
    TOPIC: ClassVar[str] = "customer.upgrade"

    source: str = TOPIC


class Resume(LifecycleEvent, tag="resume", frozen=True, kw_only=True):
    """A paused subscription goes on."""

    TYPE: ClassVar[str] = "resume"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("subscription_id", "effective_at")
    TOPIC: ClassVar[str] = "customer.upgrade"

    source: str = TOPIC


class Revoke(Event, tag="revoke", frozen=True, kw_only=True):
    """The event with the id `revokes`, of the same customer and source, never counts.

    Without a source it is the event with that id under any of the default sources.

    Attributes:
        names_source: Whether the record names its source; the decoder says so, a member of that name is not read.
    """

    TYPE: ClassVar[str] = "revoke"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("revokes",)
    TOPIC: ClassVar[str] = "customer.cancel"
    IS_LIFECYCLE: ClassVar[bool] = True

    source: str = TOPIC
    revokes: EventId
    names_source: bool = True


class Change(PricedEvent, frozen=True, kw_only=True):
    """Another plan or another price; which direction it is follows from the MRR, not from the type."""

    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("plan", *PRICE_MEMBERS, "trial", "subscription_id", "effective_at")
    TOPIC: ClassVar[str] = "customer.upgrade"

    source: str = TOPIC


class Upgrade(Change, tag="upgrade", frozen=True, kw_only=True):
    """A change that its producer calls an upgrade."""

    TYPE: ClassVar[str] = "upgrade"


class Downgrade(Change, tag="downgrade", frozen=True, kw_only=True):
    """A change that its producer calls a downgrade."""

    TYPE: ClassVar[str] = "downgrade"


class Survey(Event, tag="survey", frozen=True, kw_only=True):
    """A survey was sent, answered or dismissed; `score` is -1 where there is none."""

    TYPE: ClassVar[str] = "survey"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("kind", "status", "score", "reason", "via", "incentive")
    TOPIC: ClassVar[str] = "customer.survey"

    source: str = TOPIC
    kind: AnySurveyKind
    status: SurveyStatus = "answered"
    score: Score = -1
    reason: Note = ""
    via: Way = "in_app"
    incentive: bool = False


class Renewal(Event, tag="renewal", frozen=True, kw_only=True):
    """A term came to its end."""

    TYPE: ClassVar[str] = "renewal"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("outcome",)
    TOPIC: ClassVar[str] = "customer.renewal"

    source: str = TOPIC
    outcome: RenewalOutcome


class Onboarding(Event, tag="onboarding", frozen=True, kw_only=True):
    """The customer finished the onboarding, or a step of it."""

    TYPE: ClassVar[str] = "onboarding"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("completed",)
    TOPIC: ClassVar[str] = "customer.onboarding"
    HAS_IDENTITY: ClassVar[bool] = False

    source: str = TOPIC
    completed: bool = True


class Activity(Event, tag="activity", frozen=True, kw_only=True):
    """The customer used the product."""

    TYPE: ClassVar[str] = "activity"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("feature",)
    TOPIC: ClassVar[str] = "customer.activity"
    HAS_IDENTITY: ClassVar[bool] = False

    source: str = TOPIC
    feature: Note = ""


class Contact(Event, tag="contact", frozen=True, kw_only=True):
    """Somebody of ours followed up; `about` is the id of the survey that it answers, "" where it answers none."""

    TYPE: ClassVar[str] = "contact"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("about",)
    TOPIC: ClassVar[str] = "customer.contact"

    source: str = TOPIC
    about: EventId = ""


class Support(Event, tag="support", frozen=True, kw_only=True):
    """A ticket of the customer was opened, answered or solved."""

    TYPE: ClassVar[str] = "support"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("ticket", "status")
    TOPIC: ClassVar[str] = "customer.contact"

    source: str = TOPIC
    ticket: TicketId
    status: TicketStatus


class Referral(Event, tag="referral", frozen=True, kw_only=True):
    """The customer brought another one."""

    TYPE: ClassVar[str] = "referral"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("referred",)
    TOPIC: ClassVar[str] = "customer.contact"

    source: str = TOPIC
    referred: CustomerId


class Exposure(Event, tag="exposure", frozen=True, kw_only=True):
    """The customer saw a variant of a measure."""

    TYPE: ClassVar[str] = "exposure"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("measure", "variant")
    TOPIC: ClassVar[str] = "customer.contact"

    source: str = TOPIC
    measure: Slug
    variant: Slug


class Mark(Event, tag="mark", frozen=True, kw_only=True):
    """Something happened that numbers are to be read beside; of no customer."""

    TYPE: ClassVar[str] = "mark"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("kind", "title", "until")
    TOPIC: ClassVar[str] = "tenure.marks"
    HAS_CUSTOMER: ClassVar[bool] = False

    customer_id: _NoCustomer = NO_CUSTOMER
    source: str = TOPIC
    kind: MarkKind
    title: Title
    until: Instant | None = None


EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    Signup, Cancel, Revoke, Upgrade, Downgrade, Pause, Resume, Survey, Renewal, Onboarding, Activity,
    Contact, Support, Referral, Exposure, Mark,
)  # fmt: skip
_CUSTOMER: Final = "customer_id"
COMMON_MEMBERS: Final = ("id", "source", "type", _CUSTOMER, "time", "sequence", "test")
REQUIRED_MEMBERS: Final = ("id", "type", _CUSTOMER, "time")
LIFECYCLE_TYPES: Final = tuple(event_type.TYPE for event_type in EVENT_TYPES if event_type.IS_LIFECYCLE)

Form = Literal["id", "label", "slug", "currency", "instant", "note", "segment", "country", "way"]
"""What is to be known of a member beyond its struct's type; `schemas.decoding.members` says how each is read."""


def common_members(event_type: type[Event]) -> tuple[str, ...]:
    """Return the members of all types that events of this one have."""
    return _of_type(COMMON_MEMBERS, event_type)


def required_members(event_type: type[Event]) -> tuple[str, ...]:
    """Return the members of all types that events of this one must have."""
    return _of_type(REQUIRED_MEMBERS, event_type)


def _of_type(members: tuple[str, ...], event_type: type[Event]) -> tuple[str, ...]:
    return members if event_type.HAS_CUSTOMER else tuple(name for name in members if name != _CUSTOMER)


@cache
def forms_of(event_type: type[Event]) -> dict[str, Form]:
    """Return the members of a type whose texts have a form, in the order of the struct."""
    fields = msgspec.structs.fields(event_type)
    return {field.name: form for field in fields if (form := _form_of(field.type))}


@cache
def kinds_of_members(event_type: type[Event]) -> dict[str, object]:
    """Return the members of a type that a record may have, but for `type`, with what msgspec checks of each.

    Those of a price that is sent as an amount are checked as they are sent, and not as an event has them.
    """
    kinds = {field.name: field.type for field in msgspec.structs.fields(event_type)}
    read = (name for name in (*common_members(event_type), *event_type.OWN_MEMBERS) if name != "type")
    return {name: PRICE_BY_AMOUNT.get(name, _without_none(kinds[name])) for name in read}


def _without_none(kind: object) -> object:
    return next((each for each in get_args(kind) if get_origin(each) is Annotated), kind)


def _form_of(member: object) -> Form | None:
    for kind in (member, *get_args(member)):
        for note in getattr(kind, "__metadata__", ()):
            if note.extra:
                form: Form = note.extra["form"]
                return form
    return None


#: No setting can name a dimension so: members that events have already, and what labels use for "no dimension".
RESERVED_DIMENSIONS: Final = frozenset(COMMON_MEMBERS).union(
    {"all"}, RESERVED_LABELS, *(event_type.OWN_MEMBERS for event_type in EVENT_TYPES)
)


def signup_with(dimensions: tuple[str, ...]) -> type[Signup]:
    """Return `Signup`, or a subclass of it whose extra attributes are the given dimensions.

    Args:
        dimensions: Member names beyond the built-in ones, each `[a-z][a-z0-9_]{0,63}`.

    Raises:
        ValueError: a name is not of that form, comes twice, or is already a member of a signup.
    """
    taken = {*COMMON_MEMBERS, *Signup.OWN_MEMBERS}
    for name in dimensions:
        if not _DIMENSION_NAME.fullmatch(name):
            raise ValueError(f"the dimension {name!r} must be lower-case letters, digits and _, a letter first")
        if name in taken:
            raise ValueError(f"the dimension {name!r} is already a member of a signup")
        taken.add(name)
    if not dimensions:
        return Signup
    subclass = msgspec.defstruct(
        "Signup",
        [(name, Segment, "") for name in dimensions],
        bases=(Signup,),
        namespace={"OWN_MEMBERS": (*Signup.OWN_MEMBERS, *dimensions), "__doc__": Signup.__doc__},
        tag="signup",
        frozen=True,
        kw_only=True,
        module=__name__,
    )
    assert issubclass(subclass, Signup)
    return subclass
