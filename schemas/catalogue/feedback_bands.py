"""Bands of survey answers: what customers are told apart by when it is asked how long they stay after an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NPS: Final = "nps"
CSAT: Final = "csat"
PROMOTERS: Final = "promoters"
PASSIVES: Final = "passives"
DETRACTORS: Final = "detractors"
SATISFIED: Final = "satisfied"
UNSATISFIED: Final = "unsatisfied"
NO_ANSWER: Final = "no_answer"
NEVER_ASKED: Final = "never_asked"

#: By kind of survey the bands that are compared, in the order of tables.
COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    NPS: (PROMOTERS, PASSIVES, DETRACTORS, NO_ANSWER),
    CSAT: (SATISFIED, UNSATISFIED, NO_ANSWER),
}
#: All bands by kind: who was never asked is counted from the beginning of the stay, and compared with nobody.
BANDS: Final[Mapping[str, tuple[str, ...]]] = {kind: (*bands, NEVER_ASKED) for kind, bands in COMPARED.items()}
#: How soon after an answer churn is told (days).
CHURN_DAYS: Final = (30, 90)
