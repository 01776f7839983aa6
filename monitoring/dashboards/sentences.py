"""Numbers written into labels, so that the small line of a tile can say them beside the one number that it shows.

Grafana prints a series' labels in any panel, and shows all numbers of a stat panel in one size. Each function returns
PromQL for a series without a name, of value 1, whose one label is the words; absent where its number is.
"""

from typing import Final

from monitoring.dashboards import wording
from monitoring.dashboards.queries import EARLIER_DAYS
from schemas.catalogue.ratios import RATIOS

SEPARATOR: Final = " · "
_ALERTED: Final = {
    "cancellations": "Cancellations",
    "cancellations_voluntary": "Cancellations by choice",
    "cancellations_involuntary": "Failed payments",
    "churn_departure": "Churn against all others",
    "experiments": "Measures",
    "nps_fall": "Net promoter score",
    "retention_line": "A year's retention",
}
"""What alerts are about that is no ratio."""


def said(condition: str, label: str, words: str) -> str:
    """Return words that are there while a condition has a series."""
    return f'label_replace(group({condition}), "{label}", "{words}", "", "")'


def number(value: str, label: str, words: str, *, step: str) -> str:
    """Return words about a number.

    Args:
        value: One series without labels.
        label: The label that says it.
        words: `$1` stands for the number.
        step: It is rounded to multiples of this.
    """
    written = f'count_values("{label}", round({value}, {step}))'
    grouped = _replaced(written, label, "$1,$2", "([0-9]+)([0-9]{3}([.].*)?)")
    return _replaced(grouped, label, words, "(.*)")


def money(value: str, label: str, words: str) -> str:
    """Return words about money in minor units; `$1` stands for it, with its currency."""
    currency = wording.MONEY.removeprefix("currency")
    return number(f"{value} / {wording.MINOR_PER_MAJOR}", label, words.replace("$1", f"{currency} $1"), step="1")


def change(value: str, label: str, words: str, *, step: str) -> str:
    """Return words about a number with its sign."""
    written = f'count_values("{label}", round({value}, {step}))'
    signed = _replaced(_replaced(written, label, "−$1", "-(.*)"), label, "+$1", "([0-9].*)")
    return _replaced(signed, label, f"{words} in {EARLIER_DAYS} d", "(.*)")


def joined(numbers: str, exists: str, labels: dict[str, str]) -> str:
    """Return numbers with the labels of words; those that are absent leave no trace.

    Args:
        numbers: One series without labels.
        exists: Where this has a series, there is a number now.
        labels: The words by label.
    """
    text = numbers
    for label, words in labels.items():
        text += f"\n* on () group_left ({label}) ({words} or on () group({exists}))"
    return text


def titled(expr: str) -> str:
    """Return series whose label `kpi` is the title that people know, where it was a name of code."""
    for name, title in ({ratio.name: ratio.title for ratio in RATIOS} | _ALERTED).items():
        expr = f'label_replace({expr}, "kpi", "{title}", "kpi", "{name}")'
    return expr


def _replaced(text: str, label: str, by: str, pattern: str) -> str:
    return f'label_replace({text}, "{label}", "{by}", "{label}", "{pattern}")'
