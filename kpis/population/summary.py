"""A summary of all customers as of one instant: what does not add up over workers, so that one of them makes it.

Customers are taken some at a time, from any partition and in any order; what is kept of them are sums, so that their
number costs time and no memory.
Pure: who reads the states is `tenure.worker.population`. Definitions: docs/definitions.md, section "Cohorts and
lifetime".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from kpis.customer.state import Customer, decode
from kpis.customer.what_counts import WhatCounts
from kpis.members.view import Window
from kpis.names import OTHER, Names
from kpis.population.cohorts import MONTH, Cohort, cohorts, whole
from kpis.population.episodes import StretchCollector
from kpis.population.experiments import Comparisons, ExperimentScan, FewMeasures, Variant
from kpis.population.feedback_scan import FeedbackScan
from kpis.population.frequency import FrequencyScan, Sleepers
from kpis.population.leaving import leaving_at
from kpis.population.lifetime import Durations, Lifetime, survival
from kpis.population.local_time import LocalTime
from kpis.population.reasons import Ranking, Reasons
from kpis.population.scales import AskedOn, ScaleScan
from kpis.population.stays import past_until
from kpis.population.support import SupportScan
from kpis.population.value import StaySums, stay_sums
from schemas.catalogue.windows import LIFETIME_DAYS
from schemas.dimensions import CHANNEL
from schemas.instants import DAY_MS

#: The newest monthly cohorts, and the ages that are shown of each, 0 to 23 months (count).
COHORTS: Final = 24
AGES: Final = 24
#: The days at which the survival curve is shown: close together where it is steep.
CURVE_DAYS: Final = tuple(
    sorted(
        {*LIFETIME_DAYS, 1, 2, 3, 5, 10, 14, 21, 45, 60, 75, 105, 120, 150, 180, 210, 240, 270, 300, 330}
        | {420, 480, 540, 600, 660, 730, 910, 1095, 1460, 1825}
    )
)
#: The days after an answer at which its curve is shown.
FEEDBACK_DAYS: Final = (7, 30, 60, 90, 180, 365)
#: The windows in which reasons and features are counted (days).
WINDOWS_DAYS: Final = (7, 30)
#: Tickets that were opened so long before T are told of (days).
SUPPORT_DAYS: Final = 30
#: Measures that are told by name, those that somebody saw for the first time last, and variants of each beside the
#: control, the largest (count).
MEASURES, VARIANTS = 10, 4
#: Channels that are told by name, those with the most stays (count).
CHANNELS: Final = 20
#: More names of variants than these are none, but ids of something (count).
_NAMED_VARIANTS: Final = 1_000
#: Customers that are summed up together (count): enough that the calendar costs little, few enough to take 5 ms.
_TOGETHER: Final = 2_500


class Rankings(NamedTuple):
    """One window's cancellations and answered surveys by reason, and engaged customers by feature."""

    cancellations: Ranking
    answers: Ranking
    features: Ranking


class TicketSummary(NamedTuple):
    """The waits of tickets of SUPPORT_DAYS, in minutes, and the stays after any ticket, in days."""

    answer: Durations
    solution: Durations
    spells: Durations


_NOBODY: Final = Durations({}, {})


class PopulationSummary(NamedTuple):
    """All customers as of `at_ms` (T, ms since 1970)."""

    at_ms: int
    #: by month, in order, COHORTS at most
    cohorts: Sequence[Cohort]
    lifetime: Lifetime
    #: by window: 7d, 30d
    rankings: Mapping[str, Rankings]
    #: spells after answers, by kind of survey and band
    feedback: Mapping[tuple[str, str], Durations] = {}
    #: hours that answers waited, by kind and band
    waits: Mapping[tuple[str, str], Durations] = {}
    #: detractors whose answer waits: customers, and MRR (minor units)
    open_detractors: tuple[int, int] = (0, 0)
    #: those whose cancellation is known: customers, and MRR (minor units)
    leaving: tuple[int, int] = (0, 0)
    #: by window: 7d, 30d
    sleepers: Mapping[str, Sleepers] = {}
    #: surveys on further scales by status, and their answers by score
    scale_surveys: Mapping[AskedOn, Counter[str]] = {}
    scale_answers: Mapping[AskedOn, Counter[int]] = {}
    measures: FewMeasures = FewMeasures({}, Variant(_NOBODY, 0))
    tickets: TicketSummary = TicketSummary(_NOBODY, _NOBODY, _NOBODY)
    #: the stays of all customers
    stays: StaySums = StaySums()
    #: those of the channels with the most; of the rest together under `other`
    channels: Mapping[str, StaySums] = {}


class PopulationScan:
    """Takes all customers, and makes their summary."""

    def __init__(
        self, *, at_ms: int, clock: LocalTime, bucket_ms: int, what: WhatCounts, known: Comparisons | None = None
    ) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            clock: Of the business time zone, whose calendar decides on months.
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            known: Comparisons of variants that an earlier scan has made.
        """
        self._at_ms = at_ms
        self._bucket_ms, self._what = bucket_ms, what
        self._clock = clock
        #: by the identity of their partition's names
        self._gathering: dict[int, StretchCollector] = {}
        self._gathered = 0
        self._cohorts: dict[str, Cohort] = {}
        self._channels: dict[str, StaySums] = {}
        self._experiments = ExperimentScan(
            at_ms=at_ms, bucket_ms=bucket_ms, what=what, limit=_NAMED_VARIANTS, known=known
        )
        since_ms = at_ms - SUPPORT_DAYS * DAY_MS
        self._support = SupportScan(start_ms=since_ms, at_ms=at_ms, bucket_ms=bucket_ms, what=what)
        self._feedback = FeedbackScan(at_ms=at_ms, bucket_ms=bucket_ms, what=what)
        self._frequency = FrequencyScan(at_ms=at_ms, bucket_ms=bucket_ms, what=what)
        self._leaving, self._leaving_mrr = 0, 0
        self._scales = ScaleScan(at_ms=at_ms, bucket_ms=bucket_ms, what=what)
        self._reasons: dict[str, Reasons] = {}
        for days in WINDOWS_DAYS:
            start_ms = at_ms - days * DAY_MS
            self._reasons[f"{days}d"] = Reasons(Window(start_ms, at_ms, bucket_ms), what, before_ms=start_ms)

    def take(self, names: Names, states: Iterable[bytes]) -> None:
        """Take some customers of one partition, each as `kpis.customer.state.encode` wrote it."""
        taken = [decode(state) for state in states]
        for reasons in self._reasons.values():
            reasons.take(names, taken)
        for customer in taken:
            self._feedback.take(names, "", customer)
            self._take_ways(names, customer)
            if customer.touchpoints:
                for scan in (self._scales, self._experiments, self._support):
                    scan.take(names, customer)
        if id(names) not in self._gathering:
            self._gathering[id(names)] = StretchCollector(names, bucket_ms=self._bucket_ms, what=self._what)
        self._gathering[id(names)].take(taken)
        self._gathered += len(taken)
        if self._gathered >= _TOGETHER:
            self._sum_up()

    def _take_ways(self, names: Names, customer: Customer) -> None:
        """Take one customer: whether they go, sleep or woke up."""
        known = leaving_at(customer, self._at_ms, self._bucket_ms, self._what)
        if known is not None:
            self._leaving += 1
            self._leaving_mrr += past_until(customer, self._at_ms, self._bucket_ms, self._what).now.mrr
        if customer.acts or customer.feedback:  # who never was engaged neither fell asleep nor woke up
            self._frequency.take(names, customer)

    def summary(self) -> PopulationSummary:
        """Return the summary of all who were taken."""
        self._sum_up()
        newest = [self._cohorts[name] for name in sorted(self._cohorts)[-COHORTS:]]
        everybody = ("", "")
        rankings = {
            window: Rankings(found.cancellations()[everybody], found.answers()[everybody], found.features()[everybody])
            for window, found in self._reasons.items()
        }
        stays = _sum_of(self._channels.values())
        follow_ups = self._feedback.follow_ups
        return PopulationSummary(
            self._at_ms,
            newest,
            survival(stays.durations),
            rankings,
            feedback=self._feedback.durations(),
            waits=follow_ups.waits(),
            open_detractors=(follow_ups.open_customers, follow_ups.open_mrr),
            leaving=(self._leaving, self._leaving_mrr),
            sleepers={f"{days}d": each for days, each in self._frequency.sleepers.items()},
            scale_surveys=self._scales.statuses(),
            scale_answers=self._scales.scores(),
            measures=self._experiments.few(MEASURES, VARIANTS),
            tickets=TicketSummary(
                self._support.waits("answer"), self._support.waits("solution"), self._support.spells()
            ),
            stays=stays,
            channels=_few(self._channels),
        )

    def _sum_up(self) -> None:
        stretches = [collector.stretches() for collector in self._gathering.values()]
        for cohort in cohorts(stretches, at_ms=self._at_ms, clock=self._clock, period=MONTH).get("", []):
            known = self._cohorts.get(cohort.name)
            self._cohorts[cohort.name] = cohort if known is None else whole([known, cohort], cohort.name)
        found = stay_sums(stretches, at_ms=self._at_ms, bucket_ms=self._bucket_ms, dimension=CHANNEL)
        for channel, stays in found.items():
            self._channels.setdefault(channel, StaySums()).add(stays)
        self._gathering, self._gathered = {}, 0


def _sum_of(groups: Iterable[StaySums]) -> StaySums:
    found = StaySums()
    for group in groups:
        found.add(group)
    return found


def _few(channels: Mapping[str, StaySums]) -> dict[str, StaySums]:
    """Return CHANNELS by name, and the rest as one."""
    named = sorted((name for name in channels if name != OTHER), key=lambda name: (-channels[name].stays, name))
    told = sorted(named[:CHANNELS])
    found = {name: channels[name] for name in told}
    rest = [stays for name, stays in channels.items() if name not in found]
    return {**found, OTHER: _sum_of(rest)} if rest else found
