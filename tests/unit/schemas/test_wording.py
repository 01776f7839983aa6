"""The names that people may have meant, and counts in words."""

from schemas.wording import counted, nearest, nearest_name

KNOWN = ("signup", "cancel", "upgrade")


def test_nearest_name_is_found_whatever_its_case() -> None:
    """A shift key is the commonest slip."""
    assert [nearest(name, KNOWN) for name in ("sign_up", "CANCEL", "Upgrad", "renewal")] == [
        "signup", "cancel", "upgrade", None,
    ]  # fmt: skip
    assert nearest("plan", ("PLAN", "pla")) == "PLAN"


def test_phrase_goes_behind_a_sentence_and_is_empty_where_nothing_is_near() -> None:
    """Messages are put together from it without a look at what it says."""
    assert nearest_name("signups", KNOWN) == "; did you mean signup?"
    assert nearest_name("renewal", KNOWN) == ""
    assert nearest_name("up", KNOWN, cutoff=0.3) == "; did you mean signup?"


def test_one_thing_is_not_named_as_many() -> None:
    """`1 customers` looks as if nobody had looked."""
    assert [counted(n, "new ones") for n in (0, 1, 2, 1_000)] == [
        "0 new ones",
        "1 new one",
        "2 new ones",
        "1,000 new ones",
    ]
