"""The part of the documents of `tenure publish` and `tenure replay` about records of another system (`--as`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, UnsetType

from schemas.documents.document import Document


class FileTranslation(Document, frozen=True, kw_only=True):
    """The outcome of the translation of a file."""

    adapter: Annotated[str, Meta(description="Which one: the value of `--as`.")]
    records: Annotated[int, Meta(description="Records of the other system in the file (count).")]
    events: Annotated[int, Meta(description="Events that they say (count).")]
    ignored: Annotated[
        dict[str, int],
        Meta(description="Records that are understood and say nothing that is counted, by their kind (count)."),
    ]
    refused: Annotated[
        dict[str, int],
        Meta(description="Records that are not understood and become dead letters, by reason (count)."),
    ]


TranslationMember = Annotated[
    FileTranslation | UnsetType, Meta(description="What became of the file's records. There with `--as` alone.")
]
