"""Questions about the values of dimensions: too many, spelt in several ways, or ids of customers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.events import Activity, Cancel, Downgrade, Signup, Survey, Upgrade
from schemas.wording import counted
from tenure.validation.questions.question import EXAMPLES_KEPT, Asked, Mention, Question, SeenEvent, SeenTotals, Weight

_VALUES_KEPT: Final = 10_000
_MANY: Final = 200
_MANY_COUNTRIES: Final = 260
"""There are 249 countries in ISO 3166."""
_PLAN: Final = BUILT_IN_DIMENSIONS[0]
_COUNTRY: Final = "country"


class _Value:
    """One value: events that have it (count), and the number of the first."""

    __slots__ = ("count", "number")

    def __init__(self, number: int) -> None:
        self.count = 0
        self.number = number


class Values(Question):
    """Dimensions, reasons and features with more values than anybody looks at, or with one value spelt in several ways.

    Args:
        dimensions: Members of signups that are dimensions, without the plan.
    """

    WANTS = (Signup, Upgrade, Downgrade, Cancel, Survey, Activity)

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        super().__init__()
        self._members: dict[str, tuple[str, ...]] = {
            Signup.TYPE: (_PLAN, *dimensions),
            **{kind.TYPE: (_PLAN,) for kind in (Upgrade, Downgrade)},
            **{kind.TYPE: ("reason",) for kind in (Cancel, Survey)},
            Activity.TYPE: ("feature",),
        }
        self._values: dict[str, dict[str, _Value]] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        for member in self._members[seen.event.TYPE]:
            text = getattr(seen.event, member)
            if not text:
                continue
            values = self._values.setdefault(member, {})
            value = values.get(text)
            if value is None:
                if len(values) >= _VALUES_KEPT:
                    self.gave_up = f"values of {member}: no more than {_VALUES_KEPT:,} are told apart"
                    continue
                value = values[text] = _Value(seen.number)
            value.count += 1

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether values are names of kinds, and whether they are as many as they seem."""
        del totals
        yield from self._many()
        yield from self._spelt_apart()

    def _many(self) -> Iterator[Asked]:
        for member, values in self._values.items():
            if len(values) > (_MANY_COUNTRIES if member == _COUNTRY else _MANY):
                at_least = "at least " if len(values) >= _VALUES_KEPT else ""
                yield Asked(
                    "many_values",
                    Weight.MEDIUM,
                    len(values),
                    None,
                    f"values of {member}, {at_least}so many: boards show few, and beyond the setting "
                    "max_segment_values they count as other",
                    f"send a {member} that many customers share, and not an id, a price or a text of their own",
                    [Mention(f"{member} {text}", value.number) for text, value in list(values.items())[:EXAMPLES_KEPT]],
                )

    def _spelt_apart(self) -> Iterator[Asked]:
        for member, values in self._values.items():
            groups: dict[str, list[str]] = {}
            for text in values:
                groups.setdefault(_essence(text), []).append(text)
            apart = [sorted(texts, key=lambda text: -values[text].count) for texts in groups.values() if len(texts) > 1]
            if not apart:
                continue
            rare = [text for texts in apart for text in texts[1:]]
            yield Asked(
                "spelt_apart",
                Weight.HIGH if member == _PLAN else Weight.MEDIUM,
                sum(values[text].count for text in rare),
                sum(value.count for value in values.values()),
                f"events have a {member} that differs from a more frequent one in case, spaces or punctuation alone",
                f"each spelling is a {member} of its own: customers who change between them seem to move",
                [
                    Mention(
                        " beside ".join(f'"{text}" ({values[text].count:,})' for text in texts), _rarest(texts, values)
                    )
                    for texts in apart[:EXAMPLES_KEPT]
                ],
            )


def _essence(text: str) -> str:
    """Return a text without what people write in several ways; a plus is another plan."""
    essence = "".join(character for character in text.casefold() if character.isalnum() or character == "+")
    return essence or text


def _rarest(texts: list[str], values: dict[str, _Value]) -> int:
    return values[texts[-1]].number


class IdsAsPlans(Question):
    """Plans that are the id of their customer, or of their subscription."""

    WANTS = (Signup, Upgrade, Downgrade)

    def __init__(self) -> None:
        super().__init__()
        self._all: Counter[str] = Counter()
        self._examples: list[Mention] = []

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        event = seen.event
        self._all["plans"] += 1
        if event.plan in (event.customer_id, event.subscription_id):
            self._all["ids"] += 1
            if len(self._examples) < EXAMPLES_KEPT:
                self._examples.append(Mention(f"{event.TYPE} of {event.customer_id} on plan {event.plan}", seen.number))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for names of plans."""
        del totals
        if self._examples:
            yield Asked(
                "id_as_plan",
                Weight.HIGH,
                self._all["ids"],
                self._all["plans"],
                "events have the id of their customer or subscription for a plan",
                f"map another member to plan; {counted(self._all['ids'], 'plans')} of one customer each say nothing",
                self._examples,
            )
