"""What `explain`, `lenses`, `reasons` and `features` print, and when they fail."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from typer.testing import CliRunner

from kpis.customer.deduplication import identity_of
from kpis.members.exclusions import EXCLUSIONS
from kpis.members.rules import MEMBERSHIPS, Memberships
from schemas.catalogue.ratios import RATIO_BY_NAME
from streams.embedded.tables import MemoryTables
from streams.settings.settings import Settings
from tenure.cli import app
from tenure.files.replay import replayed
from tenure.reports import event_lookup
from tenure.reports.event_lookup import GONE, SILENT, Known, Place, look_up
from tenure.reports.explain import EXPLAINABLE
from tests.recount.golden import golden_log
from tests.recount.short_events import Event, activity, cancel, change, pause, resume, revoke, signup, survey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from click.testing import Result

AT = "2026-03-01"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> None:
    del nothing_set
    monkeypatch.setenv("COLUMNS", "150")


@pytest.fixture
def golden() -> str:
    """The golden case of the definitions, as a file."""
    return file_of(golden_log())


def file_of(events: Sequence[Mapping[str, object]]) -> str:
    """Write events to a file of the test's folder; return its name."""
    Path("events.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return "events.ndjson"


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, list(arguments))  # type: ignore[return-value]


def answer_of(*arguments: str) -> Any:
    """Return what a command prints as JSON."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_every_count_of_the_catalogue_can_be_explained() -> None:
    """A count that is added later must say who it counts, and who it does not."""
    assert set(MEMBERSHIPS) == set(EXCLUSIONS) == set(EXPLAINABLE)


def test_every_ratio_comes_with_its_value_and_the_members_of_both_sides(golden: str) -> None:
    """A percentage alone cannot be argued with."""
    for name, ratio in RATIO_BY_NAME.items():
        answer = answer_of("explain", name, "--file", golden, "--at", AT, "--limit", "1")
        assert answer["agrees"], name
        sums = {part["count"]: part["sum"] for part in answer["parts"]}
        assert answer["value"] == ratio.evaluate(sums)
        assert {part["count"] for part in answer["parts"]} == set(ratio.counts)


def test_the_lost_of_the_golden_case_are_named_with_their_events_and_so_are_those_who_came_back(golden: str) -> None:
    """The case has ten lost customers, one who came back inside the window, and one who was new in it."""
    answer = answer_of("explain", "customers_lost", "--file", golden, "--at", AT)
    (part,) = answer["parts"]
    assert (part["sum"], part["counted"], part["customers"], len(part["members"])) == (10, 10, 10, 10)
    for member in part["members"]:
        (reason,) = member["reasons"]
        assert (member["amount"], reason["rule"]) == (
            1,
            "active at 2026-01-30T00:00:00Z, not active at 2026-03-01T00:00:00Z",
        )
        assert [event["topic"] for event in reason["events"]] == ["customer.signup", "customer.cancel"]
        assert all(event["id"] and event["source"] == event["topic"] for event in reason["events"])
    rules = sorted(member["reasons"][0]["rule"] for member in part["near_misses"])
    assert rules == [
        "became inactive and active again inside the window, so active at 2026-03-01T00:00:00Z",
        "became inactive in the window, but was not active at 2026-01-30T00:00:00Z",
    ]


def test_a_segment_has_its_own_members() -> None:
    """Churn of one plan is explained by those who were on it."""
    file = file_of(
        [signup("a", "2026-01-01", "basic"), signup("b", "2026-01-01", "pro"), cancel("a", "2026-02-10"),
         cancel("b", "2026-02-11", reason="price", involuntary=True)]
    )  # fmt: skip
    whole = answer_of("explain", "cancellations", "--file", file, "--at", AT, "--by", "plan")
    assert whole["parts"][0]["by_value"] == {"basic": 1, "pro": 1}
    chosen = ("--by", "plan", "--value", "pro")
    (part,) = answer_of("explain", "cancellations", "--file", file, "--at", AT, *chosen)["parts"]
    (member,) = part["members"]
    (event,) = member["reasons"][0]["events"]
    assert (member["customer_id"], event["event"]) == ("b", "cancel 2026-02-11T00:00:00Z, reason price, involuntary")


@pytest.mark.parametrize(
    ("answered", "silent"),
    [("2026-02-07T23:59:59.999Z", 1), ("2026-02-08T00:00:00Z", 0), ("2026-02-14T23:59:59.999Z", 0), ("2026-02-15", 1)],
)
def test_an_answer_at_an_edge_of_the_second_week_explains_as_it_counts(answered: str, silent: int) -> None:
    """The explanation is a second opinion: one millisecond apart, it would call a right number wrong."""
    file = file_of([signup("a", "2026-02-01"), survey("a", answered, "nps", 9)])
    answer = answer_of("explain", "dropoff_silent", "--file", file, "--at", AT)
    assert (answer["agrees"], answer["parts"][0]["sum"]) == (True, silent)


def test_money_is_explained_largest_first() -> None:
    """Who wants to know where the MRR is looks at the top."""
    file = file_of([signup(name, "2026-01-01", mrr_minor=n) for name, n in (("a", 5), ("b", 900), ("c", 40))])
    (part,) = answer_of("explain", "mrr", "--file", file, "--at", AT, "--limit", "2")["parts"]
    assert (part["sum"], part["customers"]) == (945, 3)
    assert [(member["customer_id"], member["amount"]) for member in part["members"]] == [("b", 900), ("c", 40)]


def test_text_names_the_number_the_customers_and_what_is_left_out(golden: str) -> None:
    """The same as the JSON, for people."""
    text = run("explain", "churn", "--lens", "stripe", "--file", golden, "--at", AT, "--limit", "1").stdout
    assert "churn_stripe, 30d: from" in text
    assert "numerator: cancellations = 12 movements, from 12 customers (the counters say the same)" in text
    assert "… and 11 more: --limit" in text
    assert re.search(r"\[cancel \S+ from customer.cancel; line \d+\]", text)


def test_an_event_is_named_with_the_source_that_a_revoke_of_it_needs() -> None:
    """The same id from another source is another event: a revoke without the source takes back nothing."""
    file = file_of([signup("a", "2026-01-01"), cancel("a", "2026-02-10", id="x", source="crm")])
    found = ("explain", "cancellations", "--file", file, "--at", AT)
    (event,) = answer_of(*found)["parts"][0]["members"][0]["reasons"][0]["events"]
    assert (event["id"], event["source"]) == ("x", "crm")
    assert "[x from crm; line 2]" in run(*found).stdout


# -- subscriptions


def test_events_that_are_shown_are_counted_by_source_above_the_list() -> None:
    """Whoever asks where a jump comes from looks for one producer, not for twenty customers."""
    names = "abcdefghijkl"
    events = [signup(name, "2026-01-01") for name in names]
    events += [cancel(name, "2026-02-10", id=name, source="crm" if name in "ab" else "billing") for name in names]
    found = ("explain", "cancellations", "--file", file_of(events), "--at", AT)
    assert "\n  events below, by source: billing 10, crm 2\n  +1  a\n" in run(*found).stdout
    assert "\n  events below, by source: crm 2, billing 1\n  +1  a\n" in run(*found, "--limit", "3").stdout
    each_its_own = [{**event, "source": event["customer_id"]} for event in events]
    text = run("explain", "cancellations", "--file", file_of(each_its_own), "--at", AT).stdout
    assert "by source: a 1, b 1, c 1, d 1, e 1, f 1, g 1, h 1, and 4 more\n" in text


def rules_of(kpi: str, events: Sequence[Event], *, near: bool = False) -> list[str]:
    """Return the rules that a month's members, or near misses, of a number have, as of AT."""
    answer = answer_of("explain", kpi, "--file", file_of(events), "--at", AT)
    assert answer["agrees"]
    (part,) = answer["parts"]
    return [reason["rule"] for member in part["near_misses" if near else "members"] for reason in member["reasons"]]


ONE = signup("a", "2026-01-05", subscription_id="s1")
TRIAL = signup("a", "2026-02-10", trial=True, subscription_id="s1")
FREE = signup("a", "2026-02-10", mrr_minor=0)


@pytest.mark.parametrize(
    ("kpi", "events", "rules"),
    [
        ("customers_active", [TRIAL], ["not active at 2026-03-01T00:00:00Z: subscription s1 is on a trial"]),
        (
            "customers_active",
            [FREE],
            ["not active at 2026-03-01T00:00:00Z: on a free plan, and free_plans is leads"],
        ),
        ("customers_new", [FREE], ["a first signup, but not active yet: on a free plan, and free_plans is leads"]),
        (
            "cancellations",
            [ONE, signup("a", "2026-01-06", subscription_id="s2"), cancel("a", "2026-02-10", subscription_id="s1")],
            ["subscription s1 ceased to count, but another subscription still counts"],
        ),
        (
            "cancellations",
            [ONE, cancel("a", "2026-02-10T10:10:00Z", subscription_id="s1"),
             signup("a", "2026-02-10T10:50:00Z", subscription_id="s2")],
            ["inactive and active again within one hour, which is netted"],
        ),
        (
            "cancellations",
            [ONE, cancel("a", "2026-02-10", subscription_id="s2")],
            ["a cancel of subscription s2, which never began; open were: s1, so without effect"],
        ),
        (
            "cancellations",
            [ONE, cancel("a", "2026-02-10", id="x", subscription_id="s1"), revoke("a", "2026-02-11", "x")],
            ["revoked, so it never counts"],
        ),
        ("cancellations", [TRIAL, cancel("a", "2026-02-20", subscription_id="s1")],
         ["a cancel of subscription s1, which did not count: on a trial"]),
        (
            "upgrades",
            [ONE, signup("a", "2026-01-06", mrr_minor=100, subscription_id="s2"),
             change("a", "2026-02-10", mrr_minor=4_000, subscription_id="s1"),
             change("a", "2026-02-10", mrr_minor=500, subscription_id="s2")],
            ["the MRR rose in one subscription and fell in another: together it went the other way"],
        ),
        ("upgrades", [ONE, pause("a", "2026-02-10", subscription_id="s1")],
         ["a pause or its end moved the MRR, and no price"]),
        (
            "customers_paused",
            [ONE, signup("a", "2026-01-06", subscription_id="s2"), pause("a", "2026-02-10", subscription_id="s1")],
            ["subscription s1 is paused at {end}, but another subscription counts".replace("{end}", f"{AT}T00:00:00Z")],
        ),
        ("trials_matured", [TRIAL], ["the 37 days after the first trial are not over at 2026-03-01T00:00:00Z"]),
        ("subscriptions_started", [TRIAL], ["subscription s1 is open, but does not count: on a trial"]),
        ("signups", [ONE, signup("a", "2026-02-10")], ["a signup in the window, but not the customer's first one"]),
    ],
)  # fmt: skip
def test_near_misses_say_what_people_will_ask(kpi: str, events: list[Event], rules: list[str]) -> None:
    """A customer who is looked for and not found needs a reason."""
    assert rules_of(kpi, events, near=True) == rules


def test_pauses_that_end_the_counting_are_named_with_their_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the rule has to find what decides it."""
    monkeypatch.setenv("TENURE_PAUSED_CUSTOMERS", "lost")
    events = [ONE, pause("a", "2026-02-10", subscription_id="s1")]
    assert rules_of("customers_active", events, near=True) == [
        "not active at 2026-03-01T00:00:00Z: subscription s1 is paused, and paused_customers is lost"
    ]
    assert rules_of("cancellations", events) == ["became inactive in the window"]


def test_events_say_their_subscription_and_what_they_make_of_it() -> None:
    """Of a customer with several, a plan and a price alone name none of them."""
    events = [
        signup("a", "2026-01-05", trial=True, subscription_id="s1"),
        change("a", "2026-01-10", "team", 9_000, subscription_id="s1"),
        pause("a", "2026-01-15", subscription_id="s1"),
        signup("a", "2026-01-20", "basic", 100),
    ]
    (part,) = answer_of("explain", "customers_with_several", "--file", file_of(events), "--at", AT)["parts"]
    told = [event["event"] for event in part["members"][0]["reasons"][0]["events"]]
    assert told == [
        "signup of s1 2026-01-05T00:00:00Z, plan pro, MRR 4900, on trial",
        "change of s1 2026-01-10T00:00:00Z, plan team, MRR 9000",
        "pause of s1 2026-01-15T00:00:00Z",
        "signup 2026-01-20T00:00:00Z, plan basic, MRR 100",
    ]


def test_events_of_a_file_are_where_the_file_has_them() -> None:
    """Offsets of a log that a replay made for itself help nobody to find an event."""
    events = [signup("b", "2026-01-04"), ONE, cancel("a", "2026-02-10", subscription_id="s1")]
    answer = answer_of("explain", "cancellations", "--file", file_of(events), "--at", AT)
    (event,) = answer["parts"][0]["members"][0]["reasons"][0]["events"]
    assert (event["place"], event["number"]) == ("line", 3)


def test_fact_without_effect_says_whether_its_subscription_had_ended_or_has_yet_to_begin() -> None:
    """A signup that is missing is looked for elsewhere than a cancel that came twice."""
    events = [
        ONE,
        cancel("a", "2026-02-10", subscription_id="s1"),
        cancel("a", "2026-02-11", subscription_id="s1"),
        cancel("a", "2026-02-12", subscription_id="s2"),
        signup("a", "2026-02-13", subscription_id="s2"),
    ]
    answer = answer_of("explain", "facts_without_effect", "--file", file_of(events), "--at", AT)
    rules = {reason["rule"] for member in answer["parts"][0]["members"] for reason in member["reasons"]}
    assert rules == {
        "a cancel of subscription s1, which had ended", "a cancel of subscription s2, which had not begun yet"
    }  # fmt: skip


def test_lines_fit_where_two_do_the_work_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 100 columns breaks longer ones anywhere."""
    monkeypatch.setenv("COLUMNS", "99")
    golden = Path(__file__).parents[4] / "docs" / "examples" / "golden.ndjson"
    file = ("--file", str(golden), "--at", "2025-03-31")
    explained, compared = run("explain", "churn", *file), run("lenses", *file)
    assert (explained.exit_code, compared.exit_code) == (0, 0)
    assert max(len(line) for line in (explained.stdout + compared.stdout).splitlines()) < 100
    assert "\nreturned: 1 cancellation\n" in compared.stdout
    assert "; stripe adds 10 new ones\n" in compared.stdout


def test_facts_without_effect_are_told_by_kind_each_with_the_reason() -> None:
    """A producer whose events do nothing has to find out which, and why."""
    events = [
        ONE,
        cancel("a", "2026-02-10", subscription_id="{s2}"),
        resume("a", "2026-02-11", subscription_id="s1"),
        pause("b", "2026-02-12"),
        revoke("b", "2026-02-13", "never"),
        revoke("b", "2026-02-14", "never", source="crm"),
    ]
    answer = answer_of("explain", "facts_without_effect", "--file", file_of(events), "--at", AT)
    (part,) = answer["parts"]
    assert (part["by_value"], part["unit"]) == ({"cancel": 1, "pause": 1, "resume": 1, "revoke": 2}, "facts")
    told = {
        reason["rule"]: [(event["event"], event["source"]) for event in reason["events"]]
        for member in part["members"]
        for reason in member["reasons"]
    }
    assert told == {
        "a cancel of subscription {s2}, which never began; open were: s1": [
            ("cancel of {s2} 2026-02-10T00:00:00Z, reason unspecified", "customer.cancel")
        ],
        "a resume of subscription s1, which was not paused then": [
            ("resume of s1 2026-02-11T00:00:00Z", "customer.upgrade")
        ],
        "a pause of a subscription, which never began": [("pause 2026-02-12T00:00:00Z", "customer.upgrade")],
        "a revoke of id never, which no event of any of the default sources has": [
            ("revoke 2026-02-13T00:00:00Z, of never", "customer.cancel")
        ],
        "a revoke of id never, which no event of its source has": [("revoke 2026-02-14T00:00:00Z, of never", "crm")],
    }
    result = run("explain", "facts_without_effect", "--by", "plan", "--file", "events.ndjson", "--at", AT)
    assert result.exit_code == 2
    assert "counted by kind, for all customers only; leave it out" in result.stderr


def test_a_subscription_counts_under_its_own_plan() -> None:
    """A customer on two plans adds to both."""
    events = [ONE, signup("a", "2026-01-06", "basic", 100, subscription_id="s2")]
    found = answer_of("explain", "subscription_mrr", "--file", file_of(events), "--at", AT, "--by", "plan")
    assert found["agrees"]
    assert found["parts"][0]["by_value"] == {"basic": 100, "pro": 4_900}


def test_cancellations_that_no_cancel_made_have_the_reason_of_what_made_them() -> None:
    """Otherwise half of the losses have no reason, and the other half a wrong one."""
    events = [
        signup("a", "2026-01-01"),
        change("a", "2026-02-01", trial=True),
        signup("b", "2026-01-01"),
        change("b", "2026-02-01", "free", 0),
        signup("c", "2026-01-01"),
        cancel("c", "2026-02-01", reason="card", involuntary=True),
    ]
    found = answer_of("reasons", "--file", file_of(events), "--at", AT)["cancellations"]
    lines = {line["name"]: (line["voluntary"], line["involuntary"]) for line in found["lines"]}
    assert lines == {"card": (0, 1), "free_plan": (1, 0), "trial": (1, 0)}


def test_members_that_do_not_add_up_end_with_status_1(golden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An explanation of another number than the one on the dashboard must not look like one."""
    memberships = cast("dict[str, Memberships]", MEMBERSHIPS)
    monkeypatch.setitem(memberships, "customers_lost", memberships["customers_retained"])
    result = run("explain", "customers_lost", "--file", golden, "--at", AT)
    assert result.exit_code == 1
    assert "add up to 90, the counters say 10; one of the two is wrong" in result.stderr
    assert "BUT THE COUNTERS SAY 10" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("explain", "customer_lost"), "did you mean customers_lost?"),
        (("explain", "churn", "--value", "pro"), "say of which dimension, with --by"),
        (("explain", "churn", "--window", "12d"), "--window 12d: there is only"),
        (("lenses", "--by", "plam"), "did you mean plan?"),
        (("reasons", "--window", "12d"), "--window 12d: there is only"),
        (("explain", "customers_lost", "--lens", "stripe"), "--lens stripe chooses a definition of churn"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_change(arguments: tuple[str, ...], line: str) -> None:
    """Nothing is begun, and nobody has to read a traceback."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert line in result.stderr


@pytest.mark.parametrize(
    ("chosen", "hint"),
    [
        (("plan", "Pro"), "--value Pro: no customer has this plan; did you mean pro?"),
        (("plan", "enterprise"), "no customer has this plan; --by plan alone lists those there are"),
        (("country", "pro"), "no customer has this country"),
    ],
)
def test_a_value_that_nobody_has_is_refused_with_the_nearest_one(
    golden: str, chosen: tuple[str, str], hint: str
) -> None:
    """0 customers of a plan that is written otherwise look like good news."""
    dimension, value = chosen
    result = run("explain", "churn", "--file", golden, "--at", AT, "--by", dimension, "--value", value)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert hint in result.stderr


def test_a_value_that_adds_nothing_to_the_number_is_no_mistake() -> None:
    """Nobody of a plan has left: that is an answer."""
    file = file_of([signup("a", "2026-01-01", "basic"), signup("b", "2026-01-01", "pro"), cancel("a", "2026-02-10")])
    (part,) = answer_of("explain", "customers_lost", "--file", file, "--at", AT, "--by", "plan", "--value", "pro")[
        "parts"
    ]
    assert (part["sum"], part["counted"], part["agrees"]) == (0, 0, True)


COMMANDS = (("explain", "churn"), ("lenses",), ("reasons",), ("features",))


@pytest.mark.parametrize("command", COMMANDS)
def test_customers_of_all_partitions_are_looked_at_in_one_pass(
    golden: str, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """On Redis each pass is one through all its keys, whichever partition is wanted."""
    passes: list[list[int]] = []
    scanned = MemoryTables.scan_states

    def counted(
        tables: MemoryTables, partitions: Collection[int]
    ) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        passes.append(list(partitions))
        return scanned(tables, partitions)

    monkeypatch.setattr(MemoryTables, "scan_states", counted)
    answer_of(*command, "--file", golden, "--at", AT)
    assert passes == [[0, 1, 2, 3]]


# -- files in which nothing counts


@pytest.mark.parametrize("command", [*COMMANDS, ("cohorts",), ("lifetime",)])
def test_a_file_without_an_event_that_counts_needs_an_instant(command: tuple[str, ...]) -> None:
    """There is no latest event to be as of; windows before 1970 would be nonsense."""
    file = file_of([{"type": "signup"}, {"a": 1}, {**signup("a", "2026-01-01"), "test": True}])
    result = run(*command, "--file", file)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert f"{file}: holds no event that counts (dead letters: 2, tests: 1)" in result.stderr
    assert "--at" in result.stderr
    assert answer_of(*command, "--file", file, "--at", AT)["as_of"] == f"{AT}T00:00:00Z"


def test_a_replay_of_a_file_without_an_event_that_counts_tells_its_dead_letters() -> None:
    """It is how one finds out what is wrong with the file; as of the first bucket that there is."""
    result = run("replay", file_of([{"type": "signup"}, {"a": 1}]), "--json")
    (report,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["as_of"] == "2000-01-01T01:00:00Z"
    assert sum(report["events"]["dead_letters"].values()) == 2


# -- lenses


def test_lenses_of_the_golden_case_differ_by_two_customers(golden: str) -> None:
    """10, 12 of 110, 12 and 11: the figures that each definition is known for."""
    answer = answer_of("lenses", "--file", golden, "--at", AT, "--by", "plan")
    fractions = {lens: (found["numerator"], found["denominator"]) for lens, found in answer["lenses"].items()}
    assert fractions == {"standard": (10, 100), "stripe": (12, 110), "baremetrics": (12, 100), "profitwell": (11, 100)}
    sums = {name: (found["sum"], len(found["members"])) for name, found in answer["differences"].items()}
    assert sums == {"returned": (1, 1), "repeated": (0, 0), "of_new": (1, 1)}
    assert set(answer["segments"]) == {"pro"}
    text = run("lenses", "--file", golden, "--at", AT).stdout
    assert "standard 10 + returned 1 + repeated 0 = profitwell 11; + of new 1 = baremetrics and stripe 12" in text


def test_who_cancels_twice_is_lost_once() -> None:
    """The last cancellation is the loss; the one before it is what the other lenses count more."""
    file = file_of(
        [signup("a", "2026-01-01"), cancel("a", "2026-02-05"), signup("a", "2026-02-10", id="again"),
         cancel("a", "2026-02-20")]
    )  # fmt: skip
    answer = answer_of("lenses", "--file", file, "--at", AT)
    assert answer["lenses"]["standard"]["numerator"] == 1
    (member,) = answer["differences"]["repeated"]["members"]
    assert member["reasons"][0]["events"][0]["event"].startswith("cancel 2026-02-05")


# -- reasons and features


def test_reasons_and_features_of_a_file() -> None:
    """Cancellations by whose will, answers, and what engaged customers use."""
    file = file_of(
        [
            *(signup(name, "2026-01-01", plan) for name, plan in (("a", "basic"), ("b", "pro"), ("c", "pro"))),
            cancel("a", "2026-02-10", reason="price"),
            survey("b", "2026-02-11", score=3, reason="bugs"),
            *(activity("b", f"2026-02-{day}", feature="export") for day in (12, 13)),
            activity("c", "2026-02-12", feature="search"),
            activity("c", "2026-01-12", feature="export"),
        ]
    )
    reasons = answer_of("reasons", "--file", file, "--at", AT, "--by", "plan")
    assert reasons["cancellations"]["lines"] == [
        {
            "name": "price",
            "count": 1,
            "voluntary": 1,
            "involuntary": 0,
            "lost_mrr": 4900,
            "before": 0,
            "change": 1,
        }
    ]
    assert reasons["survey_answers"]["lines"] == [{"name": "bugs", "count": 1, "before": 0, "change": 1}]
    assert reasons["segments"]["plan"]["cancellations"]["basic"]["total"]["count"] == 1
    features = answer_of("features", "--file", file, "--at", AT)
    assert features["features"]["lines"] == [
        {"name": "export", "count": 1, "before": 1, "change": 0},
        {"name": "search", "count": 1, "before": 0, "change": 1},
    ]
    assert "cancellations" not in features
    assert "price" in run("reasons", "--file", file, "--at", AT).stdout
    assert "export" in run("features", "--file", file, "--at", AT).stdout


# -- looking records up


async def test_a_record_that_is_gone_is_said_to_be_gone(golden: str) -> None:
    """A made-up id would be worse than none."""
    settings = Settings()
    log = (await replayed(golden, settings)).log
    topic = "customer.signup"
    place = next(Place(topic, p, 0) for p in range(4) if log.topics[topic][p].end)
    (record,) = log.topics[topic][place.partition].read(0, 1)[0]
    assert record.value is not None
    event = json.loads(record.value)
    identity = identity_of("customer.signup", event["id"])
    wanted = {place: (event["customer_id"], identity)}
    assert await look_up(settings, log, wanted) == {place: Known(event["id"], "customer.signup", "", record.timestamp)}
    assert (await look_up(settings, log, {place: ("somebody else", identity)}))[place].note == event_lookup.ANOTHER
    log.topics[topic][place.partition].delete_before(1)
    assert (await look_up(settings, log, wanted))[place].note == GONE


async def test_without_kafka_the_places_are_told_and_the_ids_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """An explanation must not wait for a Kafka that is away, nor fail because of it."""
    monkeypatch.setattr(event_lookup, "_ANSWER_SECONDS", 0.2)
    place = Place("customer.signup", 0, 7)
    settings = Settings(kafka_bootstrap="127.0.0.1:1")
    assert (await look_up(settings, None, {place: ("a", b"12345678")}))[place] == Known(None, None, SILENT)


@pytest.mark.parametrize(
    "command", [("explain", "churn"), ("lenses",), ("reasons",), ("features",), ("cohorts",), ("lifetime",)]
)
def test_every_command_that_looks_at_a_file_says_how_many_of_its_events_were_refused(command: tuple[str, ...]) -> None:
    """A number of half a file looks like any other number."""
    file = file_of([ONE, {**ONE, "id": "2", "mrr_minor": "4900"}, {"id": 3}, {**ONE, "id": "4", "mrr_minor": -1}])
    result = run(*command, "--file", file, "--at", AT, "--json")
    assert result.exit_code == 0
    json.loads(result.stdout)
    assert result.stderr == (
        f"{file}: 3 events were refused and count nowhere (invalid_member 2, missing_member 1); "
        f"`tenure replay {file}` lists them\n"
    )


def test_command_that_looks_at_a_good_file_says_nothing_of_refusals() -> None:
    """What is said each time is read by nobody."""
    assert run("lifetime", "--file", file_of([ONE]), "--at", AT).stderr == ""
