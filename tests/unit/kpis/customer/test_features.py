"""Features of activity: noted hour by hour, at no cost where nothing is new."""

from __future__ import annotations

import pytest

from kpis.customer.customer import activity_of
from kpis.customer.features import feature_of, features_of, letters_of
from kpis.customer.state import Customer
from kpis.names import FEATURES, OTHER, Names
from kpis.references import TOPICS
from tests.unit.kpis.customers import FIRST, folded


def used(customer: Customer) -> dict[int, list[int]]:
    """Return the hours since START in which each feature was used, by number; 0 is none."""
    found = features_of(customer, activity_of(customer))
    return {feature: [bucket - FIRST for bucket in buckets] for feature, buckets in found.items()}


def test_features_are_noted_by_hour_whatever_the_order() -> None:
    """A late event, or one that takes the general path, must leave what an early one leaves."""
    lines = [
        "0 activity feature=export",
        "0.5 activity feature=search",
        "2 activity",
        "2.5 activity feature=export",
        "1 activity feature=export",
        "0.2 activity feature=export",
    ]
    expected = {1: [0, 1, 2], 2: [0], 0: [2]}
    for short_cuts in (True, False):
        customer, _ = folded(lines, short_cuts=short_cuts)
        assert used(customer) == expected


def test_activity_without_features_stores_no_characters() -> None:
    """Most streams may never name a feature; they shall not pay for them."""
    customer, _ = folded(["0 activity", "0.5 activity", "1 activity"])
    assert (customer.used, customer.recent) == ("", "")
    assert used(customer) == {0: [0, 1]}


def test_the_first_feature_ever_leaves_earlier_hours_without_one() -> None:
    """What was stored as nothing is written out the moment it must be told apart."""
    customer, _ = folded(["0 activity", "300 activity", "301 activity feature=export"])
    assert used(customer) == {0: [0, 300], 1: [301]}


def test_a_feature_again_in_the_same_hour_changes_no_state() -> None:
    """This is four of five events of real traffic."""
    once, _ = folded(["0 activity feature=export", "0.9 activity feature=export"])
    again, _ = folded(["0 activity feature=export", "0.9 activity feature=export", "0.5 activity feature=export"])
    assert once == again


def test_features_beyond_the_limit_are_one_feature() -> None:
    """A producer that sends ids as features must not grow the tables for ever."""
    names = Names(max_values=16)
    numbers = {names.feature(f"feature-{n}") for n in range(40)}
    assert (len(names.feature_names), names.feature_names[-1], max(numbers)) == (17, OTHER, 16)
    assert names.over_limit == {"feature": 25}


def test_topics_beyond_the_limit_share_a_number() -> None:
    """A place has four bits for the topic; a sixteenth name of them cannot be told apart any more."""
    names = Names()
    numbers = [names.topic(f"topic-{n}") for n in range(20)]
    assert numbers == [*range(TOPICS - 1), *[TOPICS - 1] * 5]
    again = Names()
    again.restore({"topic": names.topic_names, "feature": ["", "export"]})
    assert (again.topic_names, again.feature_names, again.take_new()) == (names.topic_names, ["", "export"], {})


def test_no_feature_gets_a_number_without_characters_of_its_own() -> None:
    """The setting allows more values of a dimension than Unicode has characters in a row."""
    names = Names(max_values=65_000)
    numbers = [names.feature(f"feature-{n}") for n in range(FEATURES + 10)]
    assert (max(numbers), names.feature_names[-1]) == (FEATURES - 1, OTHER)


@pytest.mark.parametrize("feature", [0, 1, 63, 64, FEATURES - 1])
def test_every_number_that_a_feature_gets_can_be_stored(feature: int) -> None:
    """Unicode has a gap that UTF-8 does not write: a feature in it would halt the partition."""
    letters = letters_of(feature)
    assert [feature_of(letter.encode().decode()) for letter in letters] == [feature, feature]
    assert [ord(letter) & 1 for letter in letters] == [1, 0]
