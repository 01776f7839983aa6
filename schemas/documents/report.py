"""The report of `kpi` and `replay`: every count and every ratio as of one instant.

Counts and ratios are members that are made of the catalogue: whatever it names has a place here, and a type. Those
who read them by name use `Counted.count` and `RatiosOf.at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType, defstruct
from msgspec.structs import asdict

from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.formulas import Count, Ratio, evaluate
from schemas.catalogue.ratios import STOCK_RATIOS, WINDOW_RATIOS
from schemas.documents.document import Document, made
from schemas.documents.filters import WhereMember
from schemas.documents.ignored import IgnoredOfFile
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember
from schemas.documents.translation import TranslationMember

Surveys = dict[str, dict[str, dict[str, int]]]
WithoutEffect = dict[str, int] | UnsetType

STOCKS: Final = tuple(count for count in COUNTS if count.kind == "stock")
_ORDER: Final = (
    "customers_at_start", "mrr_at_start", "customers_new", "mrr_new", "customers_reactivated", "mrr_reactivated",
    "cancellations", "mrr_churned", "upgrades", "mrr_expansion", "downgrades", "mrr_contraction",
    "cancellations_involuntary", "cancellations_of_new", "customers_lost", "customers_retained", "mrr_retained_gross",
    "mrr_retained_net", "dropoff_matured", "onboarding_matured", "dropoff_cancelled", "onboarding_completed",
    "dropoff_silent_matured", "dropoff_silent", "customers_engaged", "survey_answered", "survey_dismissed",
    "survey_sent", "nps_promoters", "nps_passives", "nps_detractors", "csat_satisfied", "csat_answered",
    "renewals_declined", "renewals_failed", "renewals_renewed",
)  # fmt: skip
"""The order in which reports have always named counts, for those who compare them as text."""


def _in_order(counts: Iterable[Count]) -> tuple[Count, ...]:
    """Return counts in that order; those that the catalogue got later come after, in the catalogue's."""
    places = {name: place for place, name in enumerate(_ORDER)}
    return tuple(sorted(counts, key=lambda count: places.get(count.name, len(places))))


WINDOW_COUNTS: Final = _in_order(count for count in COUNTS if count.kind == "window")
LENSES: Final = "churn"
"""The member of `ratios` that holds one number for each definition."""

AsOf = Annotated[str, Meta(description="T, an instant in UTC. Exactly the events before it are counted.")]


class Counted(Document, frozen=True, kw_only=True):
    """Numbers whose names the catalogue gives."""

    def count(self, name: str) -> int:
        """Return a count by its name, which must be one of these."""
        number = getattr(self, name)
        assert isinstance(number, int), f"{name} is {number!r}"
        return number

    def counts(self) -> dict[str, int]:
        """Return all counts by name."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, int)}


class RatiosOf(Document, frozen=True, kw_only=True):
    """Ratios, where the catalogue puts them."""

    def holds(self, path: Sequence[str]) -> bool:
        """Return whether a ratio is in this report, be it absent; `--lens` leaves others out."""
        return self._found(path) is not UNSET

    def at(self, path: Sequence[str]) -> float | None:
        """Return a ratio; None where its denominator is 0, or where it is not in this report."""
        found = self._found(path)
        assert found is None or found is UNSET or isinstance(found, int | float), f"{path} is {found!r}"
        return None if found is UNSET else found

    def _found(self, path: Sequence[str]) -> Any:
        found: Any = self
        for step in path:
            found = getattr(found, step)
        return found


def _of_counts(counts: Iterable[Count]) -> list[tuple[str, Any]]:
    return [(count.name, Annotated[int, Meta(description=_with_unit(count.meaning, count.unit))]) for count in counts]


def _of_ratios(ratios: Iterable[Ratio]) -> list[tuple[str, Any]]:
    return [
        (ratio.path[-1], Annotated[float | None, Meta(description=_with_unit(ratio.meaning, ratio.unit))])
        for ratio in ratios
    ]


def _with_unit(meaning: str, unit: str) -> str:
    return f"{meaning} Unit: {unit}."


if TYPE_CHECKING:

    class Totals(Counted, RatiosOf, frozen=True, kw_only=True):
        """The stocks as of T, and their ratios; the other members are those of the catalogue."""

    class Lenses(RatiosOf, frozen=True, kw_only=True):
        """Churn by definition; the members are those of the catalogue."""

    class Ratios(RatiosOf, frozen=True, kw_only=True):
        """The ratios of one window; the other members are those of the catalogue."""

        churn: Lenses

    class WindowReport(Counted, frozen=True, kw_only=True):
        """The counts of one window; the other members are those of the catalogue."""

        surveys: Surveys
        facts_without_effect: WithoutEffect
        ratios: Ratios

else:

    def _made_of(name: str, about: str, members: list[Any], *bases: type[Document]) -> type[Document]:
        namespace = {"__doc__": about}
        return defstruct(name, members, bases=bases, module=__name__, namespace=namespace, frozen=True, kw_only=True)

    Totals = _made_of(
        "Totals",
        "The stocks as of T, and their ratios.",
        _of_counts(STOCKS) + _of_ratios(STOCK_RATIOS),
        Counted,
        RatiosOf,
    )
    Lenses = _made_of(
        "Lenses",
        "Customer churn by each of the definitions; `--lens` leaves the others out.",
        [
            (name, Annotated[float | UnsetType | None, kind.__metadata__[0]], UNSET)
            for name, kind in _of_ratios(ratio for ratio in WINDOW_RATIOS if ratio.path[0] == LENSES)
        ],
        RatiosOf,
    )
    _FIRST_OF_LENSES = next(n for n, ratio in enumerate(WINDOW_RATIOS) if ratio.path[0] == LENSES)
    _OTHERS = _of_ratios(ratio for ratio in WINDOW_RATIOS if ratio.path[0] != LENSES)
    Ratios = _made_of(
        "Ratios",
        "The ratios of one window: numbers, or `null` where the denominator is 0.",
        [
            *_OTHERS[:_FIRST_OF_LENSES],
            (LENSES, Annotated[Lenses, Meta(description="Customer churn by definition.")]),
            *_OTHERS[_FIRST_OF_LENSES:],
        ],
        RatiosOf,
    )
    WindowReport = _made_of(
        "WindowReport",
        "Every count of one window, with surveys and ratios.",
        [
            *_of_counts(WINDOW_COUNTS),
            (
                "surveys",
                Annotated[
                    Surveys,
                    Meta(description="Surveys by kind, then way, then status: `sent`, `answered`, `dismissed`."),
                ],
            ),
            (
                "facts_without_effect",
                Annotated[WithoutEffect, Meta(description=FACTS_WITHOUT_EFFECT.meaning + " By kind; not of segments.")],
                UNSET,
            ),
            ("ratios", Annotated[Ratios, Meta(description="Every ratio of the catalogue that has a window.")]),
        ],
        Counted,
    )


TotalsMember = Annotated[Totals, Meta(description="The stocks as of T, and their ratios.")]
WindowsMember = Annotated[
    dict[str, WindowReport],
    Meta(
        description="By name (`1d`, `7d`, `30d`, `90d`, `365d`, `month`, or what `windows_days` says): every other"
        " count, with surveys and ratios. `--window` leaves the others out."
    ),
]


class Segment(Document, frozen=True, kw_only=True):
    """The numbers of one value of a dimension."""

    totals: TotalsMember
    windows: WindowsMember


SegmentsMember = Annotated[
    dict[str, dict[str, Segment]] | UnsetType,
    Meta(description="By dimension, then value; all values, none folded into `other`. There with `--by` alone."),
]


class Events(Document, frozen=True, kw_only=True):
    """Outcomes of the events of the whole log, whatever `--at` says; in records."""

    applied: Annotated[int, Meta(description="Events that count.")]
    duplicate: Annotated[int, Meta(description="Records under an identity that is known: customer, source and id.")]
    conflict: Annotated[
        int,
        Meta(description="How many of the duplicates say what none before them said, `sequence` included."),
    ]
    mended: Annotated[
        dict[str, int], Meta(description="Events that count and duplicates of which a member was mended, by member.")
    ]
    test: Annotated[int, Meta(description="Events that are marked as tests, which count nowhere else.")]
    forgotten: Annotated[
        int, Meta(description="Events of forgotten customers that came later than their tombstone; they count nowhere.")
    ]
    dead_letters: Annotated[dict[str, int], Meta(description="Records that were refused, by reason.")]
    ignored: IgnoredOfFile = UNSET


NO_EVENTS: Final = Events(applied=0, duplicate=0, conflict=0, test=0, mended={}, forgotten=0, dead_letters={})
"""Of a report whose reader does not ask for them."""

EventsMember = Annotated[Events, Meta(description="What became of all events.")]


class Report(Document, frozen=True, kw_only=True):
    """The numbers as of one instant."""

    as_of: AsOf
    totals: TotalsMember
    windows: WindowsMember
    segments: SegmentsMember = UNSET
    events: EventsMember
    translation: TranslationMember = UNSET
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET


def totals_of(stocks: Mapping[str, int]) -> Totals:
    """Return stocks with their ratios; `stocks` has every stock of the catalogue."""
    return made(Totals, {**stocks, **evaluate(STOCK_RATIOS, stocks)})


def window_of(
    counts: Mapping[str, int], surveys: Surveys, stocks: Mapping[str, int], without_effect: WithoutEffect
) -> WindowReport:
    """Return the counts of one window with their ratios.

    Args:
        counts: Every count of the catalogue that has a window.
        surveys: By kind, way and status.
        stocks: Every stock, as of the same T.
        without_effect: Facts without effect by kind; of a segment nothing.
    """
    values: dict[str, Any] = evaluate(WINDOW_RATIOS, {**stocks, **counts})
    ratios = made(Ratios, {**values, LENSES: made(Lenses, values[LENSES])})
    return made(WindowReport, {**counts, "surveys": surveys, "facts_without_effect": without_effect, "ratios": ratios})
