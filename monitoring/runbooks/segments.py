"""Runbook of the alert of segments that miss their targets."""

from typing import Final

from monitoring import segments
from monitoring.alerts import thresholds
from monitoring.runbooks.kpi import COMPLETE, SOURCES
from monitoring.runbooks.runbook import Runbook

RUNBOOKS: Final = {
    "SegmentMissesTarget": Runbook(
        "A plan, country, channel or other segment misses a target of its own.",
        "Somebody has set a target for this segment (`tenure target set … --by … --value …`), and it is missed beyond"
        " chance.",
        "Many segments are tested at once, so that some would miss by chance alone. The limit moves with how many are"
        f" tested and how many miss (Benjamini and Hochberg): of all that are told, {thresholds.FALSE_DISCOVERIES:.0%}"
        f" are expected to be chance. It wants {thresholds.LEAST_LOSSES} bad outcomes of {thresholds.LEAST_SAMPLE}.",
        (
            ("All segments that are tested, the surest misses first.", f"sort_desc({segments.SCORE})"),
            ("How probable each is by chance, and the limit.", segments.CHANCE),
            ("", segments.LIMIT),
            ("The targets, and who owns them.", "tenure target list"),
            COMPLETE,
            SOURCES,
        ),
        (
            "See since when, and what only this segment had.",
            "Hand it to the owner of the target.",
            "A target that was wrong from the beginning: `tenure target test` says how often another one would have"
            " warned.",
        ),
    ),
}
