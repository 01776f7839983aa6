"""Every question: the smallest file that raises it, and one beside it that must not.

A question that is raised of what is right is worse than none: nobody reads the next one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenure.validation.questions import identities
from tenure.validation.questions.question import Question, SeenTotals
from tests.tidy.repository import ROOT
from tests.unit.tenure.demo.companies import history, small_company
from tests.unit.tenure.validation.events import asked, event, instant

Events = Sequence[dict[str, Any]]
RATES = "EUR=1.08,JPY=0.67"


def signups(count: int, **members: Any) -> list[dict[str, Any]]:
    """Return signups of so many customers."""
    return [event(n, **members) for n in range(count)]


def of_one(kind: str, number: int = 0, **members: Any) -> dict[str, Any]:
    """Return another event of a customer, an hour after the first."""
    return event(number, kind, **{"time": instant(hours=1, minutes=number), **members})


def daily(kind: str, days: Sequence[int], each: int, hours: Sequence[int] = range(24)) -> list[dict[str, Any]]:
    """Return events on days, so many in each of these hours."""
    return [
        event(n, kind, id=f"{kind}-{day}-{hour}-{n}", time=instant(days=day, hours=hour - 10, seconds=n))
        for day in days
        for hour in hours
        for n in range(each)
    ]


def burst(day: int, count: int, **members: Any) -> list[dict[str, Any]]:
    """Return cancels of a day that lie seconds apart, each of another customer."""
    return [
        event(n, "cancel", **{"id": f"wild-{day}-{n}", "time": instant(days=day, seconds=n), **members})
        for n in range(count)
    ]


def undone(day: int, count: int) -> list[dict[str, Any]]:
    """Return revokes of the first cancels of such a day, as `tenure undo` sends them."""
    return [
        event(n, "revoke", id=f"undo-{day}-{n}", revokes=each["id"], source="customer.cancel", time=each["time"])
        for n, each in enumerate(burst(day, count))
    ]


@dataclass(frozen=True)
class Pair:
    """A file that raises a question, how often, and one that does not."""

    name: str
    raised: Events
    count: int
    quiet: Events


PAIRS = {
    "id with other content": Pair(
        "conflicting_id",
        [event(1), event(1, mrr_minor=5900)],
        1,
        [event(1), event(1), event(1, source="crm", mrr_minor=5900)],
    ),
    "correction": Pair(
        "corrected_id",
        [event(1), event(1, mrr_minor=5900, sequence=1)],
        1,
        [event(1), event(1, mrr_minor=5900)],
    ),
    "correction by another type": Pair(
        "corrected_id",
        [event(1), event(2, "cancel", id="end", source="s"), event(2, "upgrade", id="end", source="s", sequence=2)],
        1,
        [event(1), event(2, "cancel", id="end", source="s"), event(2, "upgrade", id="end", source="s")],
    ),
    "cancel without signup": Pair("without_signup", [event(1), event(2, "cancel")], 1, [event(1), of_one("cancel", 1)]),
    "signup that was revoked": Pair(
        "without_signup",
        [event(1), event(2, "pause")],
        1,
        [event(1), event(2), of_one("cancel", 2), of_one("revoke", 2, revokes="signup-2", source="customer.signup")],
    ),
    "signup that was refused": Pair(
        "without_signup",
        [event(1), event(2, plan="none"), event(3, "cancel")],
        1,
        [event(1), event(2, plan="none"), of_one("cancel", 2)],
    ),
    "activity without signup": Pair(
        "used_without_signup", [event(1), event(2, "activity")], 1, [event(1), event(1, "activity")]
    ),
    "cancels alone": Pair("no_signup", [event(1, "cancel"), event(2, "cancel")], 2, [event(1), of_one("cancel", 1)]),
    "signups that are all refused": Pair(
        "signups_refused",
        [event(1, plan="none"), event(2, plan="none"), event(3, "cancel")],
        2,
        [event(1), event(2, plan="none"), of_one("cancel", 1)],
    ),
    "signups alone, for long": Pair(
        "no_cancel",
        [event(n, time=instant(days=n)) for n in range(100)],
        100,
        [event(n, time=instant(days=n)) for n in range(99)],
    ),
    "facts without effect": Pair(
        "often_without_effect",
        [*signups(10), *(of_one("resume", n) for n in range(10))],
        10,
        [*signups(10), *(of_one("resume", n) for n in range(9))],
    ),
    "time after the record's": Pair(
        "ahead_of_record",
        [event(1, time="2026-07-01T00:00:10Z")],
        1,
        [event(1, time="2026-07-01T00:00:04Z")],
    ),
    "dates for times": Pair(
        "dates_only",
        [event(n, time=f"2026-01-{n % 28 + 1:02}T00:00:00+02:00") for n in range(20)],
        20,
        [event(n, time=f"2026-01-{n % 28 + 1:02}T{n % 2:02}:00:00Z") for n in range(20)],
    ),
    "day without activity": Pair(
        "gaps",
        [*signups(3), *daily("activity", [*range(30), *range(31, 60)], 2)],
        1,
        [*signups(3), *daily("activity", range(60), 2)],
    ),
    "hours without activity": Pair(
        "gaps",
        [
            *signups(3),
            *daily("activity", [*range(30), *range(31, 60)], 5),
            *daily("activity", [30], 5, [*range(8), *range(15, 24)]),
        ],
        1,
        [*signups(3), *daily("activity", range(60), 5, range(8, 20))],
    ),
    "producer that stopped": Pair(
        "gaps",
        [*daily("activity", range(40), 2), event(1, time=instant(days=45))],
        1,
        [*daily("activity", range(40), 2), event(1, time=instant(days=40))],
    ),
    "weekends": Pair(
        "gaps",
        [*signups(3), *daily("activity", [day for day in range(60) if day % 7 < 5 and day != 30], 2)],
        1,
        [*signups(3), *daily("activity", [day for day in range(60) if day % 7 < 5], 2)],
    ),
    "producer gone wild": Pair(
        "cancel_burst",
        [*daily("cancel", range(10), 2, [9]), *burst(10, 21)],
        21,
        [*daily("cancel", range(10), 2, [9]), *burst(10, 20)],
    ),
    "source that is new and wild": Pair(
        "cancel_burst",
        [*daily("cancel", range(6), 2, [9]), *burst(10, 21, source="new")],
        21,
        [*daily("cancel", range(5), 2, [9]), *burst(10, 21, source="new")],
    ),
    "producer that goes wild twice": Pair(
        "cancel_burst",
        [*daily("cancel", range(10), 1, [9]), *burst(10, 20), *burst(11, 20)],
        40,
        [*daily("cancel", range(10), 1, [9]), *burst(10, 20), *burst(11, 20), *burst(12, 20)],
    ),
    "cancels that were undone": Pair(
        "cancel_burst",
        [*daily("cancel", range(10), 1, [9]), *burst(10, 21), *undone(10, 1)],
        20,
        [*daily("cancel", range(10), 1, [9]), *burst(10, 21), *undone(10, 2)],
    ),
    "cancel that is sent over and over": Pair(
        "cancel_burst",
        [*daily("cancel", range(10), 1, [9]), *burst(10, 20), *burst(10, 20)],
        20,
        [*daily("cancel", range(10), 1, [9]), *burst(10, 1) * 20],
    ),
    "plans by hundreds": Pair(
        "many_values",
        [event(n, plan=f"plan {n}") for n in range(201)],
        201,
        [event(n, plan=f"plan {n}") for n in range(200)],
    ),
    "all countries": Pair(
        "many_values",
        [event(n, country=f"X{n}") for n in range(261)],
        261,
        [event(n, country=f"X{n}") for n in range(249)],
    ),
    "plan in two spellings": Pair(
        "spelt_apart",
        [event(1, plan="Pro"), event(2, plan="Pro"), event(3, plan="pro ")],
        1,
        [event(1, plan="pro"), event(2, plan="pro+"), event(3, plan="pro2")],
    ),
    "customer for a plan": Pair("id_as_plan", [event(1, plan="c-1")], 1, [event(1, plan="c-2", subscription_id="s-1")]),
    "customers in two spellings": Pair(
        "alike_customers",
        [event(1, customer_id="cus_A7"), event(2, customer_id="a7")],
        1,
        [event(1, customer_id="cus_A7"), event(2, customer_id="a70")],
    ),
    "customers with a prefix": Pair(
        "alike_customers",
        [event(1, customer_id="user-7"), event(2, customer_id="7")],
        1,
        [event(1, customer_id="shop-user-7"), event(2, customer_id="shop-7")],
    ),
    "customers with leading zeros": Pair(
        "alike_customers",
        [event(1, customer_id="0042"), event(2, customer_id=42)],
        1,
        [event(1, customer_id="0"), event(2, customer_id="a0"), event(3, customer_id="a00")],
    ),
    "price that jumps": Pair(
        "price_jumps",
        [event(1, mrr_minor=49), of_one("upgrade", 1)],
        1,
        [event(1, plan="free", mrr_minor=49), of_one("upgrade", 1), event(2, mrr_minor=0), of_one("upgrade", 2)],
    ),
    "price beside another one": Pair(
        "prices_apart",
        [event(1), event(2), event(3, mrr_minor=49)],
        1,
        [event(1), event(2, plan="basic", mrr_minor=49), event(3, mrr_minor=0)],
    ),
    "prices of seats": Pair(
        "prices_apart",
        [event(1, mrr_minor=100), event(2, mrr_minor=10_000)],
        1,
        [event(n, mrr_minor=100 * n) for n in range(1, 120)],
    ),
    "dollars for cents": Pair(
        "tiny_prices",
        signups(10, mrr_minor=49),
        10,
        [*signups(10), *(event(n + 10, currency="JPY", mrr_minor=49) for n in range(10))],
    ),
    "no currency beside others": Pair(
        "currency_missing",
        [event(1, currency="EUR"), event(2)],
        1,
        [event(1, currency="USD"), event(2), event(3, mrr_minor=0), event(4, currency="usd")],
    ),
    "yen with decimals": Pair(
        "currencies_apart",
        [*signups(5), *(event(n + 5, currency="JPY", mrr_minor=720_000) for n in range(5))],
        1,
        [*signups(5), *(event(n + 5, currency="JPY", mrr_minor=7_200) for n in range(5))],
    ),
    "subscription under two ids": Pair(
        "subscription_twice",
        [event(1, subscription_id="a"), of_one("signup", 1, id="again", subscription_id="b")],
        1,
        [
            event(1, subscription_id="a"),
            of_one("signup", 1, id="later", subscription_id="b", time=instant(days=2)),
            of_one("signup", 1, id="other", subscription_id="c", mrr_minor=9900),
            of_one("signup", 1, id="ended", subscription_id="d"),
            of_one("cancel", 1, subscription_id="d", time=instant(hours=2)),
        ],
    ),
    "subscription of two customers": Pair(
        "shared_subscription",
        [*(event(n, subscription_id=f"s-{n}") for n in range(5)), event(5, subscription_id="s-4")],
        1,
        [event(n, subscription_id=f"s-{n % 3}") for n in range(12)],
    ),
    "mode of tests": Pair("many_tests", [event(1), event(2, test=True)], 1, [*signups(9), event(9, test=True)]),
    "customer named test": Pair(
        "looks_like_test",
        [event(1, customer_id="test-1")],
        1,
        [event(1, customer_id="contest-1"), event(2, customer_id="test-2", test=True)],
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))
def test_question_is_raised_of_the_smallest_file_that_shows_it(tmp_path: Path, pair: Pair) -> None:
    """Its count is what the user compares with what they know."""
    found = asked(tmp_path, pair.raised, currency_rates=RATES)
    assert pair.name in found, list(found)
    assert found[pair.name].count == pair.count
    assert found[pair.name].advice


@pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))
def test_question_is_not_raised_of_what_is_right(tmp_path: Path, pair: Pair) -> None:
    """The nearest thing that is no mistake."""
    assert pair.name not in asked(tmp_path, pair.quiet, currency_rates=RATES)


def test_invented_company_raises_no_question(tmp_path: Path) -> None:
    """It has late, repeated and damaged events, weekends, growth and add-ons, as every company has."""
    assert asked(tmp_path, [json.loads(line) for line in _company_lines()]) == {}


def _company_lines() -> Iterator[bytes]:
    for arrival in history(small_company()):
        try:
            json.loads(arrival.value)
        except ValueError:
            continue  # a damaged record is refused, and raises no question
        yield arrival.value


def test_every_question_is_tried_and_documented() -> None:
    """One that is added without a pair is not proved, and one that no page names is not understood."""
    page = (ROOT / "docs" / "validate.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \| (?:high|medium|low)", page, re.MULTILINE))
    of_topics = {"producer", "stamped_ahead"}
    assert documented == {pair.name for pair in PAIRS.values()} | of_topics
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tenure" / "validation").rglob("*.py"))
    assert set(re.findall(r'Asked\(\s+"(\w+)"', source)) == documented


def test_examples_say_where_they_are(tmp_path: Path) -> None:
    """Without a line nobody finds the event."""
    found = asked(tmp_path, [event(1), event(2), of_one("cancel", 9), event(2, plan="Pro")])
    assert found["without_signup"].examples == ["line 3: customer c-9"]
    assert found["spelt_apart"].examples == ['line 4: "pro" (2) beside "Pro" (1)']


def test_burst_names_source_and_hour_and_the_command_that_takes_it_back(tmp_path: Path) -> None:
    """Who looks at a wild producer is in a hurry."""
    found = asked(tmp_path, [*daily("cancel", range(10), 2, [9]), *burst(10, 30, source="billing, new")])[
        "cancel_burst"
    ]
    hour, end = "2026-01-15T10:00:00Z", "2026-01-15T11:00:00Z"
    assert found.examples == [f"30 of billing, new from {hour} to {end}, where at most 2 an hour are usual"]
    command = f"tenure undo --source 'billing, new' --type cancel --clock event --since {hour} --until {end}"
    assert f"`{command}`" in found.advice


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ({"mrr_minor": 5900}, "mrr_minor; the first counts"),
        ({"mrr_minor": 5900, "sequence": 1}, "sequence, mrr_minor; this one counts"),
        ({"time": instant(hours=5)}, "time; the first counts"),
    ],
    ids=["price", "sequence", "time"],
)
def test_conflict_says_what_differs_and_which_event_counts(tmp_path: Path, later: dict[str, Any], said: str) -> None:
    """A correction without a greater sequence is not one."""
    found = asked(tmp_path, [event(1), {**event(1), **later}])
    assert next(iter(found.values())).examples == [
        f"line 2: signup signup-1 of c-1 differs from an earlier one in {said}"
    ]


def test_refused_signups_are_no_missing_signups(tmp_path: Path) -> None:
    """Whoever sent them would look for a file that they have given."""
    found = asked(tmp_path, [event(1, plan="none"), event(2, "cancel"), event(3, "cancel")])
    assert "no_signup" not in found
    assert found["signups_refused"].what == "signups were refused, all there are; events of 2 customers are left"


def test_question_says_where_it_gave_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that nobody is told of is a wrong answer."""
    monkeypatch.setattr(identities, "HASHES_KEPT", 1)
    question = identities.Repetitions()
    monkeypatch.setattr("tenure.validation.validation.all_questions", lambda *_: [question])
    asked(tmp_path, [event(1), event(2)])
    assert question.gave_up == "examples of repeated ids: no more than 1 ids are remembered"


def test_base_of_questions_asks_nothing() -> None:
    """A question that only looks at customers needs no more."""
    assert not list(Question().asked(SeenTotals()))
