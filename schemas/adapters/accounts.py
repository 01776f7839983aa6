"""Common parts of the adapters of billing systems: options of an account, names of plans, dimensions of customers.

Which price is which plan, whether an account is there for trying out, under what id a customer is known elsewhere, and
where in a record the country stands: no record says it, and so these are options. Paths in records are names with dots.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from schemas.adapters.adapter import Members, OptionsFault
from schemas.adapters.describing import described
from schemas.adapters.reading import Node
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.events import RESERVED_DIMENSIONS, RESERVED_LABELS
from schemas.wording import in_words

LABEL_MAX: Final = 64
#: Dimensions that every stream has beside the plan; options may say where they stand, as of those of the settings.
_BUILT_IN: Final = BUILT_IN_DIMENSIONS[1:]
#: JSON has integers up to here everywhere, and not beyond.
_VERSION_MAX: Final = 2**53


class AccountOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options: what differs between two accounts of one billing system.

    Attributes:
        plans: Names of plans, by the id that the source has for them.
        test: Whether the account is there for trying out: all that it says is then marked as a test.
        customer: The path of the customer's id; the source's own id where it is empty.
        dimensions: The paths of the country, the channel or another dimension, by dimension.
    """

    plans: dict[str, str] = {}
    test: bool = False
    customer: str = ""
    dimensions: dict[str, str] = {}


def check_account(name: str, options: AccountOptions) -> None:
    """Refuse dimensions and plans that no event could have; see `check_dimensions` and `check_plans`."""
    check_dimensions(name, "dimensions", options.dimensions)
    check_plans(name, "plans", options.plans)


def check_dimensions(name: str, option: str, dimensions: Iterable[str]) -> None:
    """Refuse dimensions that no event could have.

    Args:
        name: The adapter's, for errors.
        option: In which they are named.
        dimensions: Their names.

    Raises:
        OptionsFault: One is a member that events have already.
    """
    for dimension in dimensions:
        if dimension in RESERVED_DIMENSIONS and dimension not in _BUILT_IN:
            known = in_words((*_BUILT_IN, "a dimension of the settings"), "or")
            raise OptionsFault(f"[{name}] {option}.{dimension}: is a member of events; name {known}")


def check_plans(name: str, option: str, plans: Mapping[str, str]) -> None:
    """Refuse names of plans that no event could have; see `check_plan`.

    Args:
        name: The adapter's, for errors.
        option: In which they are named.
        plans: Their names, by what the option calls them.
    """
    for plan_id, plan in plans.items():
        check_plan(name, f"{option}.{plan_id}", plan)


def check_plan(name: str, option: str, plan: str) -> None:
    """Refuse the name of a plan that no event could have.

    Args:
        name: The adapter's, for errors.
        option: Which has the name.
        plan: The name.

    Raises:
        OptionsFault: It is reserved, empty or too long.
    """
    if not is_label(plan):
        reserved = in_words(sorted(RESERVED_LABELS), "or")
        raise OptionsFault(f"[{name}] {option}: must be 1–{LABEL_MAX} characters, and not {reserved}, got {plan!r}")


def is_label(text: str) -> bool:
    """Tell whether a text can be the name of a plan."""
    return 1 <= len(text) <= LABEL_MAX and text not in RESERVED_LABELS


def plan_of(plans: Mapping[str, str], ids: Sequence[str], names: Iterable[str]) -> str:
    """Return the name of a plan: that of the options, or the first of its names that can be one; or "".

    Args:
        plans: Names of plans, by id.
        ids: What the source calls it, the closest first.
        names: What else may name it, the closest first.
    """
    named = (plans[each] for each in ids if each in plans)
    return next(named, "") or next((each for each in names if is_label(each)), "")


def listed_sequence(version: int) -> int:
    """Return the sequence of what a list or export says of the past, below all that webhooks say.

    Args:
        version: A number that grows with each version of what is listed, from 0.
    """
    return max(0, min(version, _VERSION_MAX - 1)) - _VERSION_MAX


def text_at(record: Node, path: str) -> str:
    """Return the text, or an integer's, at a path of names with dots; empty where there is none."""
    node, name = record.at(path)
    found = node.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else ""


def dimensions_of(options: AccountOptions, record: Node) -> Members:
    """Return the dimensions of a customer that a record says; what is no text, and no integer, is left out."""
    return described({dimension: text_at(record, path) for dimension, path in options.dimensions.items()})


def of_account(options: AccountOptions, record: Node, events: Iterable[Members]) -> Iterator[Members]:
    """Yield events with the customer's id and the mark of tests that the options ask for.

    Raises:
        SourceFault: The record has no customer's id where the options say that it stands.
    """
    for event in events:
        if options.customer:
            customer = text_at(record, options.customer)
            if not customer:
                raise record.missing(options.customer, "is required, for the option customer names it")
            event["customer_id"] = customer
        if options.test:
            event["test"] = True
        yield event
