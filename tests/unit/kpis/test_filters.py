"""Conditions of `--where`: what they mean, and what is said of texts that are none."""

from __future__ import annotations

import pytest

from kpis.filters import MOST_DEPTH, FilterError, parse_filter

DIMENSIONS = ("plan", "country", "channel", "industry")
ADA = {"plan": "pro", "country": "DE", "channel": "ads", "industry": "not for profit"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("plan = pro", True),
        ("plan=pro", True),
        ("plan != pro", False),
        ("country in (DE, AT)", True),
        ("country in (AT)", False),
        ("country not in (DE, AT)", False),
        ("plan = pro and country in (DE, AT) and not channel = ads", False),
        ("plan = pro AND NOT channel = organic", True),
        ("plan = basic or country = DE and channel = ads", True),
        ("(plan = basic or country = DE) and channel = organic", False),
        ("not not plan = pro", True),
        ("not (plan = pro or plan = basic)", False),
        ("industry = 'not for profit'", True),
        ('industry = "not for profit"', True),
        (r"industry in ('it''s', 'x')", None),
        (r"industry != 'it\'s'", True),
        ("plan = 'and'", False),
        ("channel = ADS", False),
    ],
)
def test_a_condition_means_what_it_reads_like(text: str, holds: bool | None) -> None:
    """`and` binds closer than `or`, as everywhere; values are compared as they are."""
    if holds is None:
        with pytest.raises(FilterError):
            parse_filter(text, DIMENSIONS)
    else:
        assert parse_filter(text, DIMENSIONS).holds(ADA.__getitem__) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; write for example plan = pro"),
        ("  ", "is empty; write for example plan = pro"),
        ("plam = pro", "plam at character 1: there is only plan, country, channel, industry; did you mean plan?"),
        ("plan pro", "expected =, != , in or not in, and found pro at character 6".replace("!= ,", "!=,")),
        ("plan = ", "expected a value (in quotes where it is a word of the language), and found the end"),
        (
            "plan = and",
            "expected a value (in quotes where it is a word of the language), and found and at character 8",
        ),
        ("plan = pro country = DE", "expected and, or, or nothing more, and found country at character 12"),
        ("plan = pro and", "expected the name of a dimension, and found the end"),
        ("plan = 'pro", "has at character 8 a quote that nothing closes"),
        ("plan ! pro", "has at character 6 !, which stands for nothing"),
        ("(plan = pro", "expected ), and found the end"),
        ("country in DE", "expected ( and values, such as (DE, AT), and found DE at character 12"),
        ("country in (DE AT)", "expected , or ), and found AT at character 16"),
        ("country not = DE", "expected in, and found = at character 13"),
        (
            "not " * (MOST_DEPTH + 1) + "plan = pro",
            f"has more than {MOST_DEPTH} conditions within each other; write it flatter",
        ),
    ],
)
def test_a_text_that_is_no_condition_is_refused_with_the_place(text: str, message: str) -> None:
    """Whoever wrote it finds the character, and what could stand there."""
    with pytest.raises(FilterError) as found:
        parse_filter(text, DIMENSIONS)
    assert str(found.value) == message


def test_a_value_that_nobody_has_is_refused_and_none_is_not() -> None:
    """A misspelt value would choose nobody, and nobody would notice."""
    known = {"plan": {"pro", "basic"}, "country": {"DE"}}
    parse_filter("plan = pro and country != none", DIMENSIONS).check_values(known.__getitem__)
    with pytest.raises(FilterError, match=r"no customer has the country de; did you mean DE\?"):
        parse_filter("not country = de", DIMENSIONS).check_values(known.__getitem__)
    with pytest.raises(FilterError, match="no customer has the plan gold; --by plan alone lists those there are"):
        parse_filter("plan = gold or plan = pro", DIMENSIONS).check_values(known.__getitem__)
