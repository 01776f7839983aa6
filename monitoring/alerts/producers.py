"""Alerts of what producers send that is applied, and does not say what it was meant to: facts without effect, mending.

Source: docs/operating.md, section What to watch.
"""

from collections.abc import Iterator
from typing import Final

from monitoring import feeds, phrases
from monitoring.alerts import thresholds
from monitoring.alerts.feeds import STREAM_BOARD
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, SHARE, looked_up, own
from monitoring.promql import ALL, recorded, seen
from schemas.catalogue.counts import FACTS_WITHOUT_EFFECT

TYPES: Final = {
    "change": ("upgrade", "downgrade"),
    "pause": ("pause",),
    "resume": ("resume",),
    "cancel": ("cancel",),
    "revoke": ("revoke",),
}
"""By the kind of a fact that can be without effect: the types of events that it is sent as."""
DAY: Final = "1d"
WITHOUT_EFFECT: Final = recorded("segment", FACTS_WITHOUT_EFFECT.name)
_OF_THE_DAY: Final = f'sum by (kind) ({WITHOUT_EFFECT}{{{ALL},window="{DAY}"}})'


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield both."""
    yield _without_effect(pace)
    yield _mended(pace)


def sent() -> str:
    """Return how many events of each kind came in the last day; nothing while history is loaded and a day after."""
    kinds = "\n  or ".join(
        f'label_replace({feeds.CAME_IN_A_DAY}{{type=~"{"|".join(types)}"}}, "kind", "{kind}", "", "")'
        for kind, types in TYPES.items()
    )
    return f"sum by (kind) (\n  {kinds}\n)"


def _without_effect(pace: Pace) -> Alert:
    """Return the alert by kind: a few cancels hide behind many changes of plan, and are what churn is made of."""
    share = f"{_OF_THE_DAY}\n/ on (kind) ({sent()} > 0)"
    found = phrases.listed(
        f"sort_desc({_OF_THE_DAY} > 0)", f"{{{{ .Labels.kind }}}} {{{{ .Value | {COUNT} }}}}", "none any more"
    )
    mine = looked_up(f'{WITHOUT_EFFECT}{{{ALL},window="{DAY}",kind=%q}}', COUNT, label="kind")
    return Alert(
        "FactsWithoutEffect",
        "warn",
        "stream",
        f"{share}\n> {thresholds.WITHOUT_EFFECT_SHARE}\n"
        f"and on (kind) {_OF_THE_DAY} >= {thresholds.WITHOUT_EFFECT_LEAST}\n"
        f"and on () {seen('stream:complete:bool', DAY)}",
        pace.day,
        f"{mine} facts of the last day did nothing: {{{{ $labels.kind }}}}, about {own(SHARE)} of what came",
        "A change, pause, resume or cancel does nothing where its subscription is not open (a resume where it is not"
        " paused, a pause where it is), a revoke where no event has its id. A producer sends facts of subscriptions"
        " that are not open: most often subscription_id is missing or another one than the signup's, or signups were"
        " lost. Cancels without effect make churn look better than it is. They are kept: what is missing brings them"
        f" to life, however late. Of the last day, by kind: {found}.\n"
        "First: tenure explain facts_without_effect names them, with customer, id and source.",
        STREAM_BOARD,
    )


def _mended(pace: Pace) -> Alert:
    """Return the alert by member, against the week before: what is mended every day is known, and costs nothing."""
    before = f"[{thresholds.MENDED_SPAN}] offset {DAY}"
    whose = phrases.listed(
        f"sort_desc(topk(3, sum by ({feeds.FEED}) (increase(tenure_feed_mended_total[{DAY}])) > 0))",
        f"{{{{ .Labels.type }}}} from {{{{ .Labels.source }}}} {{{{ .Value | {COUNT} }}}}",
        "none any more",
    )
    usual = looked_up(f"avg_over_time({feeds.MENDED}{{member=%q}}{before})", COUNT, "none", label="member")
    return Alert(
        "MendedMembersRising",
        "warn",
        "stream",
        f"{feeds.MENDED} > {thresholds.MENDED_RISE:g} * avg_over_time({feeds.MENDED}{before})\n"
        f"and {feeds.MENDED} >= {thresholds.MENDED_LEAST}\n"
        f"and on () {seen('stream:incomplete:bool', DAY)}",
        pace.day,
        f"{{{{ $labels.member }}}} was mended or left out in about {own(COUNT)} events of the last day",
        f"In the week before there were {usual} a day. The events count as any other. What the member says of them does"
        " not, where it could not be mended: then they have no reason, feature, country or segment. Most have, of any"
        f" member: {whose}.\n"
        "First: see on the board when it began, and which producer was deployed then.",
        STREAM_BOARD,
    )
