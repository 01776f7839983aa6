"""Lists as people write them, in help texts and documents."""

from collections.abc import Iterable


def in_words(parts: Iterable[object], last: str = "and") -> str:
    """Return "a, b and c"; `last` is the word before the last one."""
    texts = [str(part) for part in parts]
    return f" {last} ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
