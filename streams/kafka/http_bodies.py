"""Bodies of HTTP answers that aiohttp gives in parts: read to their end, up to a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp


class BodyTooLarge(ValueError):
    """An answer that is larger than what is asked for can be."""


async def whole_body(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Return the body of an answer; `answer.content.read` alone would return what has arrived so far.

    Raises:
        BodyTooLarge: It has more bytes than that; the rest is not read.
    """
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > most_bytes:
            raise BodyTooLarge(f"its answer is larger than {most_bytes:,} bytes")
        parts.append(part)
    return b"".join(parts)
