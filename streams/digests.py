"""Digests that were issued: an append-only log of what was shown of each week, so that corrections can be told.

The first issue of a week is what counts as shown: who issues it again changes nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.errors import CheckFailed
from streams.tables import Tables

DIGEST_LOG: Final = "digests"


class IssuedDigest(msgspec.Struct, frozen=True):
    """The numbers of a digest as they were shown.

    Attributes:
        week: ISO 8601, such as "2026-W47".
        issued_at_ms: When (ms since 1970 UTC, by the clock of the machine that issued it).
        numbers: By name, counts and ratios; None where there was no sample.
    """

    week: str
    issued_at_ms: int
    numbers: dict[str, int | float | None]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(IssuedDigest).decode


class DigestStore:
    """The issued digests of a stream in its tables.

    Args:
        tables: Of the stream.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def first_issue(self, week: str) -> IssuedDigest | None:
        """Return what was shown of a week first; None where it was not issued.

        Raises:
            TablesUnavailable: Redis does not answer.
            CheckFailed: An entry is none that this version can read.
        """
        for number, entry in enumerate(await self._tables.entries(DIGEST_LOG), 1):
            found = _read(entry, number)
            if found.week == week:
                return found
        return None

    async def issue(self, digest: IssuedDigest) -> bool:
        """Note what was shown; return False where the week was issued before, and nothing is noted.

        Raises:
            TablesUnavailable: Redis does not answer.
            CheckFailed: As `first_issue`.
        """
        if await self.first_issue(digest.week) is not None:
            return False
        await self._tables.append(DIGEST_LOG, _encode(digest))
        return True


def _read(entry: bytes, number: int) -> IssuedDigest:
    try:
        return _decode(entry)
    except msgspec.DecodeError as error:
        raise CheckFailed(
            f"digest {number} in Redis cannot be read ({error}): use the version of tenure that wrote it"
        ) from error
