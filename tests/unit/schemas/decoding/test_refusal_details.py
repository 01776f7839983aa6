"""What a refusal says: what was wrong, the value, what would be right, and what may have been meant."""

import pytest

from schemas.decoding.decoder import Decoder
from tests.unit.schemas.lines import CANCEL, SIGNUP, SURVEY, decode, line, say, without

SCORES = "0–10 for nps, 1–5 for csat, 1–7 for ces, 1–7 for ease, 1–5 for value or 1–3 for pmf"

DETAILS = [
    (
        {**without(SIGNUP, "customer_id"), "customerid": "c1"},
        "customer_id: is required; there is customerid: did you mean customer_id?",
    ),
    ({**without(SIGNUP, "plan"), "Plan": "pro"}, "plan: is required; there is Plan: did you mean plan?"),
    (without(SIGNUP, "plan"), "plan: is required"),
    ({**SIGNUP, "plan": None}, "plan: is required, and null is no value"),
    (without(SIGNUP, "mrr_minor"), "mrr_minor: it or amount_minor with interval is required"),
    (
        {**without(SIGNUP, "mrr_minor"), "mrr_minors": 1},
        "mrr_minor: it or amount_minor with interval is required; there is mrr_minors: did you mean mrr_minor?",
    ),
    (say("upgrade", plan="pro", amount_minor=1), "interval: is required with amount_minor"),
    (say("survey", kind="nps"), "score: is required when the survey is answered"),
    (
        say("sign_up"),
        (
            "type: must be one of signup, cancel, revoke, upgrade, downgrade, pause, resume, survey, renewal, "
            'onboarding, activity, contact, support, referral, exposure, mark; got "sign_up"; did you mean signup?'
        ),
    ),
    ({**SIGNUP, "id": 17.5}, "id: must be a text of 1–256 characters, or an integer; got 17.5"),
    (
        {**SIGNUP, "time": "noon"},
        'time: must be a date and time with Z or an offset, such as 2026-03-01T09:30:00Z; got "noon"',
    ),
    ({**SIGNUP, "plan": "none"}, 'plan: must be a text of 1–64 characters, and not none or other; got "none"'),
    ({**SIGNUP, "sequence": 0.5}, "sequence: must be an integer of 64 bits; got 0.5"),
    ({**SIGNUP, "currency": "$"}, 'currency: must be three letters (ISO 4217); got "$"'),
    ({**SIGNUP, "trial": "yes"}, 'trial: must be true or false; got "yes"'),
    ({**SIGNUP, "source": 7}, "source: must be a text; got 7"),
    (
        say("upgrade", plan="pro", amount_minor=1, interval="monthly"),
        'interval: must be one of day, week, month, year; got "monthly"; did you mean month?',
    ),
    (
        say("upgrade", plan="pro", amount_minor=1, interval="month", interval_count=0),
        "interval_count: must be an integer from 1; got 0",
    ),
    (
        {**SIGNUP, "amount_minor": 1, "interval": "month"},
        "mrr_minor: must not come together with amount_minor and interval; leave out the one or the other; got 4900",
    ),
    (
        say("upgrade", plan="pro", amount_minor=10**12, interval="day"),
        "amount_minor: must come to at most 1000000000000 a month; got 1000000000000",
    ),
    ({**SURVEY, "kind": "NPS"}, 'kind: must be one of nps, csat, ces, ease, value, pmf; got "NPS"; did you mean nps?'),
    ({**SURVEY, "kind": "csat"}, "score: must be an integer from 1 to 5, for csat; got 9"),
    (
        {**SURVEY, "score": "9"},
        f'score: must be an integer, {SCORES}; got "9"',
    ),
    (
        {**SIGNUP, "time": "1999-01-01T00:00:00Z"},
        'time: must not lie before 2000-01-01T00:00:00Z; got "1999-01-01T00:00:00Z"',
    ),
    (
        {**CANCEL, "time": "2026-01-01T14:00:00Z"},
        (
            "time: must not lie after 2026-01-01T13:00:00.000Z, by the record's timestamp and "
            'future_tolerance_seconds; got "2026-01-01T14:00:00Z"'
        ),
    ),
    ({**SIGNUP, "currency": "eur"}, "currency: there is no rate for EUR; add one to the setting currency_rates"),
    ({**SIGNUP, "currency": "DEM"}, "currency: there is no rate for DEM; add one to the setting currency_rates"),
    ({**SIGNUP, "currency": "uds"}, 'currency: must be a code of ISO 4217; got "UDS"; did you mean USD?'),
    ({**SIGNUP, "currency": "EUO"}, 'currency: must be a code of ISO 4217; got "EUO"; did you mean EUR?'),
    ({**SIGNUP, "currency": "RMB"}, 'currency: must be a code of ISO 4217; got "RMB"; did you mean CNY?'),
    (
        {**SIGNUP, "currency": "BTC"},
        'currency: must be a code of ISO 4217; got "BTC"; send the currency\'s code, such as EUR',
    ),
]


@pytest.mark.parametrize(("event", "detail"), DETAILS, ids=str)
def test_refusal_says_what_was_wrong_and_what_would_be_right(event: dict[str, object], detail: str) -> None:
    """Somebody has to repair a producer by this line alone."""
    ((_, refusal),) = decode(line(event).value).refused
    assert detail == refusal.detail


def test_currency_that_has_a_rate_counts_whether_it_is_in_a_list_or_not() -> None:
    """Who counts points, or a currency that is newer than the program, says so in the settings."""
    decoder = Decoder(currencies={"EUR": 0, "PTS": 0})
    assert decode(line({**SIGNUP, "currency": "PTS"}).value, decoder).refused == []
    ((_, refusal),) = decode(line({**SIGNUP, "currency": "PTZ"}).value, decoder).refused
    assert refusal.detail == 'currency: must be a code of ISO 4217; got "PTZ"; did you mean PTS?'


def test_currency_without_a_rate_as_yet_names_the_first_instant_that_has_one() -> None:
    """There is a rate, after all; the reader has to learn why it does not hold."""
    decoder = Decoder(currencies={"EUR": 1_767_272_400_000})
    ((_, refusal),) = decode(line({**SIGNUP, "currency": "EUR"}).value, decoder).refused
    assert refusal.detail == (
        "currency: the first rate for EUR holds from 2026-01-01T13:00:00.000Z, and the event is of "
        "2026-01-01T12:00:00.000Z; add one to the setting currency_rates"
    )


def test_record_with_many_names_is_not_compared_with_all_of_them() -> None:
    """A record made to be slow would stand in the way of all others."""
    event = {**without(SIGNUP, "plan"), **{f"n{n}": 0 for n in range(50_000)}, "pla": 1}
    ((_, refusal),) = decode(line(event).value).refused
    assert refusal.detail == "plan: is required"


@pytest.mark.parametrize("timestamp_ms", [-(2**63), -1])
def test_limit_that_is_no_date_is_written_all_the_same(timestamp_ms: int) -> None:
    """The timestamp of a record may be any number of 64 bits; writing it must not raise."""
    ((_, refusal),) = decode(line(SIGNUP).value, timestamp_ms=timestamp_ms).refused
    assert refusal.detail.startswith("time: must not lie after ")
