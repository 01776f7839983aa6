"""Names of what cells count: their columns in words, for those who look at the stored counters.

What a column means: `kpis.rows`; how the columns lie: `kpis.counting.cells`. The columns of the relation:
`schemas.relations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from kpis import rows
from kpis.counting.cells import Cells, columns, pair_column, point_column, unpack
from kpis.counting.windows import Windows
from kpis.customer import feedback_codes as codes
from kpis.customer.facts import WORDS
from kpis.names import Names
from schemas.relations import RelationRow

_POINTS: Final = {
    "new": rows.NEW,
    "reactivated": rows.REACTIVATED,
    "cancelled": rows.CANCELLED,
    "upgraded": rows.UPGRADED,
    "downgraded": rows.DOWNGRADED,
    "moved": rows.MOVED,
    "involuntary": rows.INVOLUNTARY,
    "signed_up": rows.SIGNED_UP,
    "gone": rows.GONE,
    "lively": rows.LIVELY,
    "onboarded": rows.ONBOARDED,
    "trial": rows.TRIAL,
    "converted": rows.CONVERTED,
    "paused": rows.PAUSED,
    "several": rows.SEVERAL,
    "subscriptions": rows.SUBSCRIPTIONS,
    "started": rows.STARTED,
    "ended": rows.ENDED,
    "engaged": rows.ENGAGED,
}
_PAIRS: Final = {"of_new": rows.OF_NEW, "kept": rows.KEPT, "engaged_again": rows.ENGAGED_AGAIN}
_COUNT: Final = "count"
_MINOR: Final = "minor"


class CellColumn(NamedTuple):
    """The name of a column of cells; `pair_class` is None, and `side` empty, for points."""

    measure: str
    unit: str
    side: str
    pair_class: int | None


def column_names(windows: Windows) -> list[CellColumn]:
    """Return every column, in the order of their numbers."""
    points = {code: name for name, code in _POINTS.items()}
    points |= {code: f"{WORDS[kind]}_without_effect" for kind, code in rows.WITHOUT_EFFECT.items()}
    points |= {rows.FEEDBACK + place: name for place, name in _feedback_classes().items()}
    found: list[CellColumn] = [CellColumn("", "", "", None)] * columns(windows)
    for code in range(rows.POINTS):
        for money in (False, True):
            name = points.get(code, f"point_{code}")
            found[point_column(code, money=money)] = CellColumn(name, _MINOR if money else _COUNT, "", None)
    for name, code in _PAIRS.items():
        for kind in range(windows.classes):
            for money in (False, True):
                for start in (False, True):
                    column = pair_column(code, kind, windows, money=money, start=start)
                    unit, side = _MINOR if money else _COUNT, "start" if start else "end"
                    found[column] = CellColumn(name, unit, side, kind)
    return found


def _feedback_classes() -> dict[int, str]:
    """Return the name of each class of surveys and renewals."""
    found = {codes.DECLINED + n: f"renewal_{outcome}" for n, outcome in enumerate(codes.OUTCOMES)}
    for kind in codes.KINDS:
        for way in codes.WAYS:
            for status in codes.STATUSES:
                places = codes.classes_of(status, kind, way)
                found |= dict.fromkeys(places, f"survey_{status}_{kind}_{way}")
    answers = {
        "promoter": codes.PROMOTERS,
        "passive": codes.PASSIVES,
        "detractor": codes.DETRACTORS,
        "satisfied": codes.SATISFIED,
        "unsatisfied": codes.UNSATISFIED,
    }
    for name, classes in answers.items():
        found |= {place: f"{name}_{way}" for place, way in zip(classes, codes.WAYS, strict=True)}
    return found


def cell_rows(partition: int, names: Names, cells: Cells, windows: Windows, until_bucket: int) -> Iterator[RelationRow]:
    """Yield the cells of a partition before a boundary as rows of the relation `cells`."""
    known = column_names(windows)
    values = [names.values(dimension) for dimension in names.dimensions]
    found = unpack(cells.keys)
    for dimension, value, column, bucket, amount in zip(
        found.dimension.tolist(),
        found.value.tolist(),
        found.column.tolist(),
        found.bucket.tolist(),
        cells.amounts.tolist(),
        strict=True,
    ):
        if amount and bucket < until_bucket:
            yield (
                partition,
                names.dimensions[dimension],
                values[dimension][value],
                *known[column],
                bucket * windows.bucket_ms,
                amount,
            )
