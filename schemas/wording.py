"""Lists and counts as people write them, and names that they may have meant, in help texts, messages and documents."""

import difflib
from collections.abc import Iterable, Sequence


def in_words(parts: Iterable[object], last: str = "and") -> str:
    """Return "a, b and c"; `last` is the word before the last one."""
    texts = [str(part) for part in parts]
    return f" {last} ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))


def counted(number: int, things: str) -> str:
    """Return "1 customer" or "1,234 customers", by the name of many of them; only an s is taken away."""
    return f"{number:,} {things.removesuffix('s') if number == 1 else things}"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the closest known name, whatever the case; None where none is as close as the cutoff, in [0, 1]."""
    by_lower_case = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=cutoff)
    return by_lower_case[close[0]] if close else None


def nearest_name(name: str, known: Sequence[str], *, cutoff: float = 0.6) -> str:
    """Return "; did you mean plan?" for the closest known name; "" where none is as close as the cutoff, in [0, 1]."""
    close = nearest(name, known, cutoff=cutoff)
    return f"; did you mean {close}?" if close else ""
