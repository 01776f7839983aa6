"""Surveys and renewals as small codes: a survey is one of 288, a renewal one of three.

The code of a survey says all that conflicts are judged by; its *class* is what counts, the row `FEEDBACK + class`.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple, get_args

from schemas.events import SCORE_MAX, RenewalOutcome, SurveyKind, SurveyStatus, SurveyWay

# In string order, as conflicts compare them. Codes are stored: another choice anywhere is another STATE_VERSION.
KINDS: Final[tuple[str, ...]] = tuple(sorted(get_args(SurveyKind)))
STATUSES: Final[tuple[str, ...]] = tuple(sorted(get_args(SurveyStatus)))
WAYS: Final[tuple[str, ...]] = tuple(sorted(get_args(SurveyWay)))
OUTCOMES: Final[tuple[str, ...]] = tuple(sorted(get_args(RenewalOutcome)))
_SCORES: Final = max(SCORE_MAX.values()) + 2  # absent, 0 … 10
RENEWAL_BASE: Final = 1024


def _next(before: range, kinds: int) -> range:
    """Return the classes that come next: one for each way, of so many kinds of surveys."""
    return range(before.stop, before.stop + kinds * len(WAYS))


#: Classes: of surveys one for each way, of renewals one for each outcome.
SENT: Final = _next(range(0), len(KINDS))
DISMISSED: Final = _next(SENT, len(KINDS))
PROMOTERS: Final = _next(DISMISSED, 1)
PASSIVES: Final = _next(PROMOTERS, 1)
DETRACTORS: Final = _next(PASSIVES, 1)
SATISFIED: Final = _next(DETRACTORS, 1)
UNSATISFIED: Final = _next(SATISFIED, 1)
DECLINED: Final = UNSATISFIED.stop
FAILED: Final = DECLINED + 1
RENEWED: Final = DECLINED + 2
CLASSES: Final = DECLINED + len(OUTCOMES)


def survey_code(kind: str, status: str, score: int, way: str) -> int:
    """Return the code; codes order as (kind, status, score, way) do: score -1 for none."""
    kinds = KINDS.index(kind) * len(STATUSES) + STATUSES.index(status)
    return (kinds * _SCORES + score + 1) * len(WAYS) + WAYS.index(way)


class SurveySaid(NamedTuple):
    """Meaning of a survey's code; the score is -1 for none."""

    kind: str
    status: str
    score: int
    way: str


def survey_of(code: int) -> SurveySaid:
    """Return what `survey_code` made a code of."""
    rest, way = divmod(code, len(WAYS))
    kinds, score = divmod(rest, _SCORES)
    kind, status = divmod(kinds, len(STATUSES))
    return SurveySaid(KINDS[kind], STATUSES[status], score - 1, WAYS[way])


def renewal_code(outcome: str) -> int:
    """Return the code of a renewal's outcome."""
    return RENEWAL_BASE + OUTCOMES.index(outcome)


def outcome_of(code: int) -> str:
    """Return the outcome that `renewal_code` made a code of."""
    return OUTCOMES[code - RENEWAL_BASE]


def _class_of(kind: str, status: str, score: int, way: str) -> int:
    way_at = WAYS.index(way)
    if status == "sent":
        return SENT[KINDS.index(kind) * len(WAYS) + way_at]
    if status == "dismissed":
        return DISMISSED[KINDS.index(kind) * len(WAYS) + way_at]
    if kind == "nps":
        return (PROMOTERS if score >= 9 else PASSIVES if score >= 7 else DETRACTORS)[way_at]
    return (SATISFIED if score >= 4 else UNSATISFIED)[way_at]


_SURVEYS: Final = [(k, s, n, w) for k in KINDS for s in STATUSES for n in range(-1, _SCORES - 1) for w in WAYS]
CODE: Final = {survey: survey_code(*survey) for survey in _SURVEYS}
CLASS: Final = {survey_code(*survey): _class_of(*survey) for survey in _SURVEYS} | {
    renewal_code(outcome): DECLINED + n for n, outcome in enumerate(OUTCOMES)
}
ANSWERED: Final = frozenset(survey_code(*survey) for survey in _SURVEYS if survey[1] == "answered")


@cache
def classes_of(status: str, kind: str | None = None, way: str | None = None) -> tuple[int, ...]:
    """Return the classes of surveys with that status, and kind and way where given."""
    found = {_class_of(k, s, n, w) for k, s, n, w in _SURVEYS if s == status and kind in (None, k) and way in (None, w)}
    return tuple(sorted(found))
