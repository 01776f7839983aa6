"""The document of `tenure feedback`: how long customers stay after an answer, and whose answers wait."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.comparisons import ChurnAfter, DifferenceMember, LogRankMember
from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import High, LifetimeCurve, LifetimeShare, Low
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class FeedbackBand(Document, frozen=True, kw_only=True):
    """The spells of one band: customers from an answer on, until the next one."""

    churn: Annotated[list[ChurnAfter], Meta(description="Who has left within 30 and 90 days of the beginning.")]
    curve: Annotated[LifetimeCurve, Meta(description="How long spells last; those that the next one ends go on.")]


class AnswerFollowUp(Document, frozen=True, kw_only=True):
    """The answers of the last 90 days, and the time until somebody of yours gets in touch."""

    answers: Annotated[int, Meta(description="Answers (count).")]
    followed: Annotated[int, Meta(description="Of them followed up (count).")]
    median_hours: Annotated[
        int | None,
        Meta(description="The hour by which half are; those that wait count so far. `null` while fewer than half are."),
    ]


class OpenDetractorEntry(Document, frozen=True, kw_only=True):
    """A customer whose last NPS answer is a detractor's, and whom nobody has got in touch with since."""

    customer_id: Annotated[str, Meta(description="Who.")]
    plan: Annotated[str, Meta(description="The plan at T.")]
    mrr: Annotated[int, Meta(description="MRR at T (minor units).")]
    score: Annotated[int, Meta(description="The score, 0 to 6.")]
    reason: Annotated[str, Meta(description="The reason; empty where none was given.")]
    answered_at: Annotated[str, Meta(description="When, in UTC.")]
    hours: Annotated[int, Meta(description="Whole hours since.")]


class OpenDetractors(Document, frozen=True, kw_only=True):
    """All of these who are active at T."""

    customers: Annotated[int, Meta(description="How many (customers).")]
    mrr: Annotated[int, Meta(description="Their MRR at T (minor units).")]
    listed: Annotated[list[OpenDetractorEntry], Meta(description="The most MRR first, as many as `--limit` says.")]


class ContactedGroup(Document, frozen=True, kw_only=True):
    """Detractors, from seven days after their answer on."""

    customers: Annotated[int, Meta(description="Answers whose spell had lasted seven days (count).")]
    left: Annotated[int, Meta(description="Whose customer has left since (count).")]
    stay: Annotated[LifetimeShare, Meta(description="The share that stays longer than 90 days more.")]


class ContactedDetractors(Document, frozen=True, kw_only=True):
    """Detractors whom somebody got in touch with in the seven days after their answer, beside the others."""

    contacted: Annotated[ContactedGroup, Meta(description="Somebody did.")]
    others: Annotated[ContactedGroup, Meta(description="Nobody did in these seven days.")]
    difference: DifferenceMember
    log_rank: LogRankMember


class FeedbackKind(Document, frozen=True, kw_only=True):
    """Staying after the answers to one kind of survey."""

    bands: Annotated[
        dict[str, FeedbackBand],
        Meta(
            description="By band: `promoters`, `passives`, `detractors` or `satisfied`, `unsatisfied`; `no_answer` from"
            " 14 days after a survey on; `never_asked` from the beginning of the stay on. Bands without spells are left"
            " out."
        ),
    ]
    log_rank: LogRankMember
    follow_up: Annotated[dict[str, AnswerFollowUp], Meta(description="By band; bands without answers are left out.")]


class ScaleAnswers(Document, frozen=True, kw_only=True):
    """The surveys of the last 90 days on one scale."""

    sent: Annotated[int, Meta(description="Surveys that were sent (count).")]
    answered: Annotated[int, Meta(description="Answers (count).")]
    dismissed: Annotated[int, Meta(description="Surveys that were dismissed (count).")]
    mean: Annotated[float | None, Meta(description="The mean score; `null` without answers.")]
    good: Annotated[int, Meta(description="Answers from the score on that is good (count).")]
    share: Annotated[float | None, Meta(description="Their share; `null` without answers.")]
    low: Low
    high: High


class FurtherScale(Document, frozen=True, kw_only=True):
    """A scale beside NPS and CSAT; an incentive can buy answers, and better ones."""

    title: Annotated[str, Meta(description="Its name in words.")]
    good_from: Annotated[int, Meta(description="Scores from here on are good.")]
    surveys: Annotated[ScaleAnswers, Meta(description="All of its surveys.")]
    rewarded: Annotated[ScaleAnswers, Meta(description="Those with an incentive to answer.")]
    not_rewarded: Annotated[ScaleAnswers, Meta(description="The others.")]


class FeedbackReport(Document, frozen=True, kw_only=True):
    """Staying after an answer, by what was answered."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    kinds: Annotated[dict[str, FeedbackKind], Meta(description="By kind of survey: `nps`, `csat`.")]
    scales: Annotated[
        dict[str, FurtherScale],
        Meta(description="Of the last 90 days, by kind: `ces`, `ease`, `value`, `pmf`; those without any left out."),
    ]
    currency: Annotated[str, Meta(description="What MRR is counted in (ISO 4217).")]
    open_detractors: Annotated[OpenDetractors, Meta(description="Whose answer waits.")]
    contacted: Annotated[ContactedDetractors, Meta(description="What follows on a contact.")]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
