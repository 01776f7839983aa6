"""Ratios of counts, as the catalogue defines them, in the nesting of reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.catalogue import Kind
from schemas.ratios import RATIOS


def ratios_of(counts: Mapping[str, int], kind: Kind) -> dict[str, Any]:
    """Return every ratio of a kind.

    Args:
        counts: Of one window, with the stocks as of its end.
        kind: `window`, or `stock` for those that exist as of T.

    Returns:
        Numbers, or None where the denominator is 0: no data is not zero.
    """
    out: dict[str, Any] = {}
    for ratio in RATIOS:
        if ratio.kind == kind:
            place = out
            for part in ratio.path[:-1]:
                place = place.setdefault(part, {})
            place[ratio.path[-1]] = ratio.evaluate(counts)
    return out
