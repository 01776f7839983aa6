"""Runbooks of the alerts about what producers send that does not say what it was meant to."""

from typing import Final

from monitoring import feeds
from monitoring.alerts import producers, thresholds
from monitoring.runbooks.kpi import SOURCES
from monitoring.runbooks.runbook import Runbook

RUNBOOKS: Final = {
    "FactsWithoutEffect": Runbook(
        "A producer sends facts of subscriptions that are not open.",
        f"More than {thresholds.WITHOUT_EFFECT_SHARE:.0%} of the facts of a kind, and at least"
        f" {thresholds.WITHOUT_EFFECT_LEAST}, did nothing in the last day. They are valid and kept, and no dead"
        " letters; the subscription that they name was not open at their time. A `cancel` without effect is a customer"
        " who has left and still counts: churn looks better than it is. A `change` is MRR that is not as it was"
        " billed. A `revoke` names an id that no event of this customer and source has: the event that was to go"
        " counts on.",
        "It is counted from the log: a signup that arrives late brings its subscription's facts to life, and they are"
        " not counted any more. So it passes by itself where producers are only out of step for some hours. Two"
        " systems that both report one cancel make a second one without effect each time: real, and harmless.",
        (
            ("How many, by kind and window?", f'sort_desc({producers.WITHOUT_EFFECT}{{dimension="all"}} > 0)'),
            ("Which ones, of which customers, by which source?", "tenure explain facts_without_effect --window 1d"),
            SOURCES,
        ),
        (
            "Take one customer of the list, and look for the signup of the subscription that the facts name. None at"
            " all: it was lost, or lies in the dead letters ([DeadLettersGrowing](DeadLettersGrowing.md)), or history"
            " was never loaded. A signup under another `subscription_id`: the producer leaves it out, or two systems"
            " name subscriptions differently.",
            "Have the producer send the missing signups, late as they are, or the same `subscription_id` in all facts"
            " of one subscription. What was sent wrongly is sent again under its id, with a greater `sequence`.",
            "A `pause` of what is paused, a `resume` of what is not, a second `cancel` of the same subscription: have"
            " one of the two systems that report it stop, or leave it: they do no harm.",
            "A `revoke`: see that it names the `id` and the `source` of what it takes back. Activity and onboarding"
            " cannot be revoked.",
        ),
    ),
    "MendedMembersRising": Runbook(
        "A producer began to send a describing member that has to be mended.",
        "`reason`, `feature`, `via`, `country` and the further dimensions only describe an event, so that a wrong one"
        " never costs it: a slug is made of what is none, a country is put in capitals, and what cannot be mended"
        " counts as absent. No number of all customers is wrong. Segments, reasons and features may be: what was"
        f" mended may be another value than before, and what was left out is `none`. It is more than"
        f" {thresholds.MENDED_RISE:g} times the mean day of the week before, and at least {thresholds.MENDED_LEAST}.",
        "It is counted event by event, repetitions too. What was mended every day is no news; it begins with a"
        f" producer's deployment. It wants Prometheus to have been there for nine tenths of {thresholds.MENDED_SPAN},"
        " and rests for a day after history was loaded.",
        (
            ("By member, in the last day; the lines of the last week tell when it began.", feeds.MENDED),
            ("Of how many events in all?", "tenure kpi --window 1d"),
            SOURCES,
        ),
        (
            "See in which topic it is: `reason` is of cancels and surveys, `feature` of activity, `via` of surveys, all"
            " others of signups.",
            "Have the producer send what the member must be ([events](../events.md)); what was sent before can be sent"
            " again, under its id with a greater `sequence`.",
            "A free text as reason or feature: send a slug, and keep the text elsewhere.",
        ),
    ),
}
