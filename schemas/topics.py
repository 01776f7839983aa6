"""Which topic carries what, by default.

Names are settings; what stands here are the defaults and the types that belong to each topic. A type on another topic
is accepted all the same: the type in the event decides. Source: docs/events.md, section Topics.
"""

from dataclasses import dataclass
from typing import Final


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


INPUT_TOPICS: Final = (
    InputTopic("signup", "customer.signup", ("signup",), "Customers who start to pay, or start again."),
    InputTopic("cancel", "customer.cancel", ("cancel", "revoke"), "Subscriptions that end, and events taken back."),
    InputTopic("upgrade", "customer.upgrade", ("upgrade", "downgrade"), "Changes of plan or of recurring revenue."),
    InputTopic("survey", "customer.survey", ("survey",), "NPS and CSAT surveys that were sent, answered or dismissed."),
    InputTopic("renewal", "customer.renewal", ("renewal",), "Terms that came to their end."),
    InputTopic("onboarding", "customer.onboarding", ("onboarding",), "Customers who completed the onboarding."),
    InputTopic("activity", "customer.activity", ("activity",), "Use of the product."),
    InputTopic(
        "events",
        "customer.events",
        ("signup", "cancel", "revoke", "upgrade", "downgrade", "survey", "renewal", "onboarding", "activity"),
        "Any event, for producers with one topic; forwarded records arrive here too.",
    ),
)

MIXED_TOPIC_SETTING: Final = "events"
DEAD_LETTER_TOPIC: Final = "tenure.dead-letters"
SURVEY_REQUEST_TOPIC: Final = "tenure.survey-requests"

DEFAULT_TOPIC_NAMES: Final = {topic.setting: topic.default_name for topic in INPUT_TOPICS}
DEFAULT_TOPIC_OF_TYPE: Final = {
    event_type: topic.default_name
    for topic in INPUT_TOPICS
    if topic.setting != MIXED_TOPIC_SETTING
    for event_type in topic.types
}
