"""Input topics, with their default names and the event types that belong there.

Names are settings; what stands here are the defaults. The types that belong to a topic say so themselves
(`schemas.events`). A type on another topic is accepted all the same: the type in the event decides.
Source: docs/events.md, section Topics.
"""

from dataclasses import dataclass
from typing import Final

from schemas.events import EVENT_TYPES


@dataclass(frozen=True, slots=True)
class InputTopic:
    """One topic that the stream reads.

    Attributes:
        setting: Its key in the setting `topics`: an event type, or `events` for the mixed one.
        default_name: Its name unless the settings say otherwise.
        types: The event types that producers are expected to send to it.
        meaning: One sentence for the documentation.
    """

    setting: str
    default_name: str
    types: tuple[str, ...]
    meaning: str


MIXED_TOPIC_SETTING: Final = "events"
DEAD_LETTER_TOPIC: Final = "tenure.dead-letters"
SURVEY_REQUEST_TOPIC: Final = "tenure.survey-requests"
#: Of movements, for other systems, see `schemas.movement_messages`; compacted. Workers neither read nor write it.
MOVEMENT_TOPIC: Final = "tenure.movements"
#: Of tombstones, see `schemas.tombstones`; compacted, with one partition.
FORGOTTEN_TOPIC: Final = "tenure.forgotten"


def _topic(setting: str, meaning: str, default_name: str | None = None) -> InputTopic:
    name = default_name or f"customer.{setting}"
    mixed = setting == MIXED_TOPIC_SETTING
    types = tuple(event_type.TYPE for event_type in EVENT_TYPES if mixed or name == event_type.TOPIC)
    return InputTopic(setting, name, types, meaning)


INPUT_TOPICS: Final = (
    _topic("signup", "Subscriptions that open, or open again."),
    _topic("cancel", "Subscriptions that end, and events taken back."),
    _topic("upgrade", "Changes of plan or of recurring revenue, pauses."),
    _topic("survey", "NPS and CSAT surveys that were sent, answered or dismissed."),
    _topic("renewal", "Terms that came to their end."),
    _topic("onboarding", "Customers who completed the onboarding."),
    _topic("activity", "Use of the product."),
    _topic("contact", "Follow-ups, support tickets, referrals, and what customers were shown."),
    _topic("marks", "What numbers are to be read beside, of no customer; the key does not matter.", "tenure.marks"),
    _topic(MIXED_TOPIC_SETTING, "Any event, for producers with one topic; forwarded records arrive here too."),
)

DEFAULT_TOPIC_NAMES: Final = {topic.setting: topic.default_name for topic in INPUT_TOPICS}
DEFAULT_TOPIC_OF_TYPE: Final = {event_type.TYPE: event_type.TOPIC for event_type in EVENT_TYPES}
