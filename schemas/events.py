"""The events that customers' systems send, as msgspec structs.

Shape and bounds that msgspec checks in C stand here; rules about values (slugs, countries, reserved words) are applied
by `schemas.decoding.decoder`, because patterns in the structs would cost more than the rest of the decoding.
An absent optional string is "", so that no member is ever None but `effective_at`. Source: docs/events.md.
"""

import datetime as dt
import re
from typing import Annotated, ClassVar, Final, Literal

import msgspec

MRR_MINOR_MAX: Final = 10**12
SCORE_MAX: Final = {"nps": 10, "csat": 5}
SCORE_MIN: Final = {"nps": 0, "csat": 1}

EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
CustomerId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Sequence = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Country = Annotated[str, msgspec.Meta(min_length=2, max_length=2)]
Currency = Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
MrrMinor = Annotated[int, msgspec.Meta(ge=0, le=MRR_MINOR_MAX)]
Score = Annotated[int, msgspec.Meta(ge=0, le=10)]
SurveyKind = Literal["nps", "csat"]
SurveyStatus = Literal["sent", "answered", "dismissed"]
SurveyWay = Literal["in_app", "email", "outreach"]
RenewalOutcome = Literal["renewed", "declined", "failed"]
_DIMENSION_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Event(msgspec.Struct, tag_field="type", frozen=True, kw_only=True, gc=False):
    """What every event has.

    `time` is exact to the microsecond where the text has at most six decimals; the event's time in milliseconds, cut
    and never rounded, is what the decoder returns beside the event. `source` defaults to the topic of the event's type.
    """

    TYPE: ClassVar[str] = ""
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ()

    id: EventId
    customer_id: CustomerId
    time: Instant
    source: str = ""
    sequence: Sequence = 0
    test: bool = False


class Signup(Event, tag="signup", frozen=True, kw_only=True):
    """A customer starts to pay, or starts again. Dimensions of the settings are members of a subclass."""

    TYPE: ClassVar[str] = "signup"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("plan", "mrr_minor", "currency", "country", "channel")

    source: str = "customer.signup"
    plan: Label
    mrr_minor: MrrMinor
    currency: Currency = ""
    country: Country = ""
    channel: Label = ""


class Cancel(Event, tag="cancel", frozen=True, kw_only=True):
    """A subscription ends, now or at `effective_at`."""

    TYPE: ClassVar[str] = "cancel"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("reason", "involuntary", "effective_at")

    source: str = "customer.cancel"
    reason: Slug = "unspecified"
    involuntary: bool = False
    effective_at: Instant | None = None


class Revoke(Event, tag="revoke", frozen=True, kw_only=True):
    """The event with the id `revokes`, of the same source and customer, never counts."""

    TYPE: ClassVar[str] = "revoke"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("revokes",)

    source: str = "customer.cancel"
    revokes: EventId


class Change(Event, frozen=True, kw_only=True):
    """Another plan or another MRR; which direction it is follows from the MRR, not from the type."""

    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("plan", "mrr_minor", "currency")

    source: str = "customer.upgrade"
    plan: Label
    mrr_minor: MrrMinor
    currency: Currency = ""


class Upgrade(Change, tag="upgrade", frozen=True, kw_only=True):
    """A change that its producer calls an upgrade."""

    TYPE: ClassVar[str] = "upgrade"


class Downgrade(Change, tag="downgrade", frozen=True, kw_only=True):
    """A change that its producer calls a downgrade."""

    TYPE: ClassVar[str] = "downgrade"


class Survey(Event, tag="survey", frozen=True, kw_only=True):
    """A survey was sent, answered or dismissed; `score` is -1 where there is none."""

    TYPE: ClassVar[str] = "survey"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("kind", "status", "score", "reason", "via")

    source: str = "customer.survey"
    kind: SurveyKind
    status: SurveyStatus = "answered"
    score: Score = -1
    reason: Slug = ""
    via: SurveyWay = "in_app"


class Renewal(Event, tag="renewal", frozen=True, kw_only=True):
    """A term came to its end."""

    TYPE: ClassVar[str] = "renewal"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("outcome",)

    source: str = "customer.renewal"
    outcome: RenewalOutcome


class Onboarding(Event, tag="onboarding", frozen=True, kw_only=True):
    """The customer finished the onboarding, or a step of it."""

    TYPE: ClassVar[str] = "onboarding"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("completed",)

    source: str = "customer.onboarding"
    completed: bool = True


class Activity(Event, tag="activity", frozen=True, kw_only=True):
    """The customer used the product."""

    TYPE: ClassVar[str] = "activity"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("feature",)

    source: str = "customer.activity"
    feature: Slug = ""


EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    Signup, Cancel, Revoke, Upgrade, Downgrade, Survey, Renewal, Onboarding, Activity,
)  # fmt: skip
COMMON_MEMBERS: Final = ("id", "source", "type", "customer_id", "time", "sequence", "test")
BUILT_IN_DIMENSIONS: Final = ("plan", "country", "channel")


def signup_with(dimensions: tuple[str, ...]) -> type[Signup]:
    """Return `Signup`, or a subclass of it whose extra attributes are the given dimensions.

    Args:
        dimensions: Member names beyond plan, country and channel, each `[a-z][a-z0-9_]{0,63}`.

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
        [(name, Label, "") for name in dimensions],
        bases=(Signup,),
        namespace={"OWN_MEMBERS": (*Signup.OWN_MEMBERS, *dimensions), "__doc__": Signup.__doc__},
        tag="signup",
        frozen=True,
        kw_only=True,
        module=__name__,
    )
    assert issubclass(subclass, Signup)
    return subclass
