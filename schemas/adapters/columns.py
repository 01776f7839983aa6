"""Columns of tables by what they mean: the customer, the start, the plan, and the names under which each is known.

Names are compared without case and without what separates their words: `Start Date`, `start_date` and `startDate` are
one, and so is `Start Date (UTC)`. Where two columns could be the same thing, the name that comes first in the list is
it. Options name a column that is not recognised, or say that one that is recognised is not to be read.
Source: docs/adapters/table.md, section Columns.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from schemas.adapters.adapter import OptionsFault
from schemas.wording import nearest_name

#: What a column can be, and its usual names, the best first.
ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "customer": (
        "customer_id", "customer", "account_id", "account", "user_id", "user", "client_id", "client", "company_id",
        "company", "organization_id", "organisation_id", "org_id", "tenant_id", "workspace_id", "team_id",
        "subscriber_id", "member_id", "customer_email", "email",
    ),
    "subscription": (
        "subscription_id", "subscription", "sub_id", "contract_id", "contract", "membership_id", "license_id", "id",
    ),
    "plan": (
        "plan", "plan_name", "plan_code", "plan_id", "plan_tier", "tier", "product", "product_name", "product_id",
        "package", "edition", "sku", "price_id", "membership_type", "subscription_type",
    ),
    "mrr": (
        "mrr", "mrr_amount", "monthly_recurring_revenue", "monthly_revenue", "monthly_amount", "monthly_price",
        "monthly_fee", "monthly_charges",
    ),
    "arr": ("arr", "arr_amount", "annual_recurring_revenue", "annual_amount", "annual_price", "yearly_price", "acv"),
    "amount": (
        "amount", "price", "plan_amount", "plan_price", "unit_amount", "unit_price", "recurring_amount",
        "subscription_amount", "subscription_price", "price_amount", "fee",
    ),
    "interval": (
        "interval", "billing_interval", "billing_period", "billing_cycle", "billing_frequency", "plan_interval",
        "price_interval", "period", "frequency", "cycle", "recurrence", "term",
    ),
    "interval_count": ("interval_count", "billing_interval_count", "plan_interval_count", "price_interval_count"),
    "quantity": ("quantity", "qty"),
    "currency": ("currency", "currency_code", "plan_currency", "price_currency", "ccy"),
    "start": (
        "start", "start_date", "started_at", "started_on", "start_at", "starts_at", "start_time", "subscription_start",
        "subscription_start_date", "subscribed_at", "activated_at", "begin_date", "valid_from", "from_date",
        "signup_date", "signed_up_at", "joined_at", "join_date", "created_at", "created_on", "created", "creation_date",
    ),
    "end": (
        "end", "end_date", "ended_at", "ended_on", "end_at", "ends_at", "end_time", "subscription_end",
        "subscription_end_date", "terminated_at", "termination_date", "churned_at", "churn_date", "valid_to", "to_date",
        "cancelled_at", "canceled_at", "cancelled_on", "canceled_on", "cancellation_date", "cancel_date",
    ),
    "cancelled_at": (
        "cancelled_at", "canceled_at", "cancelled_on", "canceled_on", "cancellation_date", "cancel_date",
        "cancel_requested_at", "cancellation_requested_at",
    ),
    "trial_start": ("trial_start", "trial_start_date", "trial_started_at", "trial_starts_at"),
    "trial_end": ("trial_end", "trial_end_date", "trial_ended_at", "trial_ends_at", "trial_until"),
    "trial": ("is_trial", "trial", "in_trial", "on_trial"),
    "paused_at": ("paused_at", "pause_date", "paused_on", "pause_start"),
    "resumed_at": ("resumed_at", "resume_date", "resumed_on", "pause_end"),
    "status": ("status", "subscription_status", "state"),
    "reason": (
        "reason", "cancel_reason", "cancellation_reason", "cancelled_reason", "canceled_reason", "churn_reason",
        "reason_code",
    ),
    "involuntary": ("involuntary", "is_involuntary"),
    "country": ("country", "country_code", "billing_country"),
    "channel": ("channel", "acquisition_channel", "signup_channel", "signup_source", "referral_source", "utm_source"),
    "version": ("version", "updated_at", "updated_on", "modified_at", "last_modified", "last_modified_at"),
    "test": ("test", "is_test"),
})  # fmt: skip
#: What a name ends in that says that the column holds minor units.
_MINOR: Final = re.compile(r"_(?:in_)?(?:cents|minor|minor_units|pence)$")
#: What Stripe's dashboard, for one, puts after the names of columns of times.
_UTC: Final = re.compile(r"\s*\(UTC\)\s*$", re.IGNORECASE)
_MONEY_ROLES: Final = frozenset({"mrr", "arr", "amount"})
_COLUMNS_SHOWN: Final = 12


def normal_name(column: str) -> str:
    """Return a column's name as names are compared: `Start Date`, `startDate`, `Start Date (UTC)` are `start_date`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _UTC.sub("", column).strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def holds_minor_units(column: str) -> bool:
    """Tell whether a column's name says that it holds minor units, as `amount_cents` does."""
    return _MINOR.search(normal_name(column)) is not None


def holds_utc(column: str) -> bool:
    """Tell whether a column's name says that its times are in UTC, as `Start (UTC)` does."""
    return _UTC.search(column) is not None


class Columns:
    """The columns of a table, by what they mean.

    Args:
        adapter: The adapter's name, for errors.
        given: Columns by role, as the options name them; an empty one is not read, whatever is recognised.
        roles: Those that the adapter reads, with their usual names.

    Raises:
        OptionsFault: The options name a role that there is not.
    """

    def __init__(self, adapter: str, given: Mapping[str, str], roles: Mapping[str, tuple[str, ...]] = ROLES) -> None:
        for role in given:
            if role not in roles:
                known = ", ".join(roles)
                hint = nearest_name(role, tuple(roles))
                raise OptionsFault(f"[{adapter}] columns.{role}: a column cannot be that{hint}; known are {known}")
        self._given = given
        self._roles = roles
        # Rows of one table have the same columns, so that the answer is found again.
        self._found = lru_cache(maxsize=64)(self._recognise)

    def of(self, columns: Iterable[str]) -> Mapping[str, str]:
        """Return the column of each role that a table has, by role.

        Args:
            columns: The names of all of its columns.
        """
        return self._found(tuple(columns))

    def _recognise(self, columns: tuple[str, ...]) -> Mapping[str, str]:
        by_name: dict[str, str] = {}
        for column in columns:
            by_name.setdefault(normal_name(column), column)
        found: dict[str, str] = {}
        for role, names in self._roles.items():
            if role in self._given:
                column = self._given[role]
                if column:
                    found[role] = column
                continue
            column = _first_of(names, by_name, minor_too=role in _MONEY_ROLES)
            if column and not (role == "cancelled_at" and column == found.get("end")):
                found[role] = column
        return MappingProxyType(found)

    def missing(self, role: str, columns: Iterable[str]) -> str:
        """Return what to say of a row in which no column has a role.

        Args:
            role: That is needed.
            columns: Of the row; files of CSV leave out those without a value.
        """
        shown = list(columns)
        more = f" and {len(shown) - _COLUMNS_SHOWN} more" if len(shown) > _COLUMNS_SHOWN else ""
        there = ", ".join(column[:32] for column in shown[:_COLUMNS_SHOWN]) or "none"
        return (
            f"no column is recognised as it: name it in the option columns.{role}; with a value there are {there}{more}"
        )


def _first_of(names: tuple[str, ...], by_name: Mapping[str, str], *, minor_too: bool) -> str:
    for name in names:
        if name in by_name:
            return by_name[name]
    if minor_too:
        bases = {_MINOR.sub("", name): column for name, column in by_name.items() if _MINOR.search(name)}
        return next((bases[name] for name in names if name in bases), "")
    return ""
