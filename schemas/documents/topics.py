"""The document of `tenure topics`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.documents.document import Document


class TopicRetention(Document, frozen=True, kw_only=True):
    """The time for which Kafka keeps the records of a topic."""

    ms: Annotated[int, Meta(description="Age at which records are deleted (ms); -1: never.")]
    bytes: Annotated[
        int, Meta(description="Size of a partition from which its oldest records are deleted (bytes); -1: none.")
    ]
    compacted: Annotated[bool, Meta(description="Whether only the last record of each key is kept.")]


class TopicStatus(Document, frozen=True, kw_only=True):
    """A topic of the stream."""

    topic: Annotated[str, Meta(description="Its name.")]
    setting: Annotated[str, Meta(description="The setting that names it, such as `topics.signup`.")]
    partitions: Annotated[int | None, Meta(description="Partitions (count); `null`: it is missing.")]
    replication: Annotated[
        int | None,
        Meta(description="Replicas of each partition (count), the fewest where they differ; `null`: it is missing."),
    ]
    state: Annotated[
        Literal["exists", "created", "grown", "missing"], Meta(description="Whether it is there, or what was done.")
    ]
    retention: Annotated[
        TopicRetention | None, Meta(description="`null`: the topic is missing, or Kafka does not tell us.")
    ]
