"""Relations: the tables that SQL and exports show, column by column, with the meaning of each.

A row is a tuple in the order of the columns. Who makes the rows is `kpis.population.records`; whatever names a column
(DuckDB, Parquet, PostgreSQL, docs/sql.md) is made of this list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

#: Every value in the order of the columns.
RelationRow = tuple[Any, ...]


class ColumnKind(Enum):
    """Kinds of values: texts, integers of 64 bits, truth, fractions, and instants (ms since 1970 in a row)."""

    TEXT = "text"
    INTEGER = "integer"
    FLAG = "boolean"
    FRACTION = "double"
    INSTANT = "timestamp"


class Column(NamedTuple):
    """A column of a relation.

    Attributes:
        name: Its name.
        kind: Of its values.
        meaning: What they say, in a sentence.
        nullable: Whether a value may be missing.
    """

    name: str
    kind: ColumnKind
    meaning: str
    nullable: bool = False


class Relation(NamedTuple):
    """A table.

    Attributes:
        name: Its name.
        meaning: What a row is, in a sentence.
        columns: But for those of the dimensions.
        segments: How many columns stand before those of the dimensions; None where it has none.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    segments: int | None = None

    def columns_with(self, dimensions: Sequence[str]) -> tuple[Column, ...]:
        """Return all columns, those of the dimensions too.

        Args:
            dimensions: Every dimension but plan, in the order of the settings; one that is called as another column is
                gets the prefix `dimension_`.
        """
        if self.segments is None:
            return self.columns
        taken = {column.name for column in self.columns}
        mine = tuple(
            Column(
                f"dimension_{name}" if name in taken else name,
                ColumnKind.TEXT,
                f"{name} of the first signup, or `none`.",
            )
            for name in dimensions
        )
        return (*self.columns[: self.segments], *mine, *self.columns[self.segments :])


def _text(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, ColumnKind.TEXT, meaning, nullable)


def _integer(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, ColumnKind.INTEGER, meaning, nullable)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, ColumnKind.FLAG, meaning)


def _instant(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, ColumnKind.INSTANT, meaning, nullable)


CUSTOMER_ID: Final = "customer_id"
_WHO: Final = _text(CUSTOMER_ID, "Who; of a forgotten customer the pseudonym.")


def _relation(name: str, meaning: str, *columns: Column, after: str = "plan") -> Relation:
    place = next(n for n, column in enumerate(columns) if column.name == after)
    return Relation(name, meaning, columns, place + 1)


CUSTOMERS: Final = _relation(
    "customers",
    "One row a customer, as they are at T.",
    _WHO,
    _integer("partition", "The partition that the customer lies on."),
    _flag("forgotten", "Whether the customer is forgotten."),
    _flag("active", "Whether a subscription counts."),
    _flag("open", "Whether a subscription is not closed."),
    _flag("paused", "Whether `customers_paused` counts the customer."),
    _text("plan", "Plan of the leading subscription, or the last one."),
    _integer("mrr", "MRR of the subscriptions that count (minor units)."),
    _integer("subscriptions_counting", "Subscriptions that count."),
    _instant("signed_up_at", "The first signup.", nullable=True),
    _text("signup_plan", "The plan of the first signup.", nullable=True),
    _instant("trial_at", "The first trial, if the customer was never active before it.", nullable=True),
    _text("trial_plan", "Its plan.", nullable=True),
    _instant("active_first_at", "The fact after which the customer was active first.", nullable=True),
    _instant("left_at", "The fact that made the customer inactive; null for the active.", nullable=True),
    _text("left_reason", "Its reason; null for the active.", nullable=True),
    _instant("used_last_at", "The start of the last bucket with activity.", nullable=True),
    _integer("used_buckets", "Buckets with activity (count)."),
    _instant(
        "onboarded_at",
        "The first completion of the onboarding that is not before the first signup, or the first.",
        nullable=True,
    ),
)
SUBSCRIPTIONS: Final = _relation(
    "subscriptions",
    "One row for each subscription that was ever open, as it is at T.",
    _WHO,
    _text("subscription_id", "Which; empty where events name none."),
    _text("state", "`open`, `paused` or `closed`."),
    _flag("counts", "Whether it counts."),
    _flag("trial", "Whether it is on trial."),
    _text("plan", "Its plan, or the last one."),
    _integer("price", "MRR of its price (minor units); the last one where it is closed."),
    _integer("mrr", "MRR that counts (minor units); 0 while it is paused or does not count."),
    _instant("opened_at", "Since when it is open, or was when it closed."),
    _instant("closed_at", "When it was closed; null where it is open.", nullable=True),
)
HISTORY: Final = _relation(
    "history",
    "One row for each time in which a customer stayed as they were; the rows of an instant x are those with"
    " `from_at < x` and `until_at` null or not before x.",
    _WHO,
    _instant("from_at", "The fact with which it begins."),
    _instant("until_at", "The fact with which it ends; null where none does before T.", nullable=True),
    _flag("active", "Whether a subscription counts."),
    _flag("open", "Whether a subscription is not closed."),
    _flag("paused", "Whether `customers_paused` counts the customer."),
    _text("plan", "Plan of the leading subscription, or the last one."),
    _integer("mrr", "MRR of the subscriptions that count (minor units)."),
    _integer("subscriptions_counting", "Subscriptions that count."),
)
MOVEMENTS: Final = _relation(
    "movements",
    "What a customer's facts come to in a bucket: one row, or two where somebody came and left in it.",
    _WHO,
    _instant("bucket_at", "The start of the bucket."),
    _integer("place", "1, or 2 for the cancellation of who came in the same bucket."),
    _text(
        "kind", "`new`, `reactivation`, `cancellation`, `upgrade`, `downgrade` or `other`: plan, pause, trial alone."
    ),
    _instant("occurred_at", "The fact that made it: the arrival, the departure, or the last one of the bucket."),
    _text("plan_before", "Plan before."),
    _text("plan_after", "Plan after."),
    _integer("mrr_before", "MRR before (minor units)."),
    _integer("mrr_after", "MRR after (minor units)."),
    _integer("mrr_change", "`mrr_after` less `mrr_before`: new, expansion, contraction or churned MRR."),
    _text("reason", "Reason of a cancellation.", nullable=True),
    _flag("involuntary", "Whether it is a cancellation against the customer's will."),
    after="plan_after",
)
SURVEYS: Final = _relation(
    "surveys",
    "One row for each survey that counts.",
    _WHO,
    _text("survey_key", "Hash of source and id, in hexadecimal digits; with the customer it names the survey."),
    _instant("occurred_at", "Its event time."),
    _text("kind", "Its kind, such as `nps` or `csat`."),
    _text("status", "`sent`, `answered` or `dismissed`."),
    _text("via", "`in_app`, `email`, `outreach` or `other`."),
    _integer("score", "The score of an answer.", nullable=True),
    _text("reason", "The reason of an answer.", nullable=True),
    _text("plan", "Plan at the time."),
)
RENEWALS: Final = _relation(
    "renewals",
    "One row for each renewal that counts.",
    _WHO,
    _text("renewal_key", "Hash of source and id, in hexadecimal digits; with the customer it names the renewal."),
    _instant("occurred_at", "Its event time."),
    _text("outcome", "`renewed`, `declined` or `failed`."),
    _text("plan", "Plan at the time."),
)
#: Relations of customers: each row is one customer's, and follows from their state alone.
OF_CUSTOMERS: Final = (CUSTOMERS, SUBSCRIPTIONS, HISTORY, MOVEMENTS, SURVEYS, RENEWALS)

_SEGMENT: Final = (
    _text("dimension", "The dimension; `all` for all customers."),
    _text("value", "Its value; empty for all customers."),
)
COUNTS_RELATION: Final = Relation(
    "counts",
    "Every count as of T, of all customers and of each segment: what `tenure kpi` prints.",
    (
        _text("name", "The count."),
        _text("window", "`30d`, `month` and so on; empty for what has no window."),
        *_SEGMENT,
        _integer("amount", "The count, or minor units."),
    ),
)
RATIOS_RELATION: Final = Relation(
    "ratios",
    "Every ratio as of T, likewise.",
    (
        _text("name", "The ratio."),
        _text("window", "As in `counts`."),
        *_SEGMENT,
        Column("ratio", ColumnKind.FRACTION, "Null where the denominator is 0.", nullable=True),
    ),
)
CELLS_RELATION: Final = Relation(
    "cells",
    "The stored counters, of which all counts are sums: integers by dimension, value, measure and bucket.",
    (
        _integer("partition", "The partition."),
        *_SEGMENT,
        _text("measure", "What is counted: a point such as `new` or `cancelled`, or a pair such as `of_new`."),
        _text("unit", "`count` or `minor`."),
        _text("side", "Of pairs, which end lies in the bucket: `start` or `end`; of points empty."),
        _integer("pair_class", "Of pairs, which windows can hold both ends; of points null.", nullable=True),
        _instant("bucket_at", "The start of the bucket."),
        _integer("amount", "What is added there."),
    ),
)
#: Relations of counters.
OF_COUNTERS: Final = (COUNTS_RELATION, RATIOS_RELATION, CELLS_RELATION)
RELATIONS: Final[Mapping[str, Relation]] = {each.name: each for each in (*OF_CUSTOMERS, *OF_COUNTERS)}
"""All of them by name, in the order of the documents."""
