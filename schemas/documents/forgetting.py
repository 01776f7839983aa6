"""The document of `tenure forget`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.documents.document import Document
from schemas.documents.topics import TopicRetention

ForgetOutcome = Literal["to_confirm", "forgotten", "asked", "forgotten_before"]


class InputTopicKept(Document, frozen=True, kw_only=True):
    """A topic in which events of the customer may lie."""

    topic: Annotated[str, Meta(description="Its name.")]
    retention: Annotated[
        TopicRetention | None, Meta(description="How long Kafka keeps them; `null`: it does not tell us.")
    ]


class Forgetting(Document, frozen=True, kw_only=True):
    """A customer who is forgotten, or would be."""

    customer_id: Annotated[str, Meta(description="The customer, as asked for.")]
    outcome: Annotated[
        ForgetOutcome,
        Meta(
            description="`to_confirm`: nothing was done; `forgotten`; `asked`: it is done once the partition has an "
            "owner; `forgotten_before`."
        ),
    ]
    at: Annotated[
        str | None,
        Meta(description="Records with a later timestamp count nowhere; an instant in UTC. `null`: not forgotten."),
    ]
    partition: Annotated[int | None, Meta(description="Where the customer is; `null`: forgotten before.")]
    open: Annotated[bool, Meta(description="Whether a subscription is not ended, and goes on counting for ever.")]
    events: Annotated[int, Meta(description="Lifecycle events, surveys and renewals that are kept of them (count).")]
    subscriptions: Annotated[int, Meta(description="Ids of subscriptions that are kept of them (count).")]
    dead_letters: Annotated[
        list[str], Meta(description="Dead letters that hold the id, by the place of their record, as `dlq` names it.")
    ]
    survey_requests: Annotated[
        list[str], Meta(description="Requests for a survey that name the customer: topic, partition and offset.")
    ]
    topics: Annotated[list[InputTopicKept], Meta(description="Topics whose records Kafka keeps as long as it is told.")]
