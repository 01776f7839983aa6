"""All questions, once: a new one is added here."""

from __future__ import annotations

from schemas.dimensions import BUILT_IN_DIMENSIONS
from tenure.validation.questions.bursts import CancelBursts
from tenure.validation.questions.customers import AlikeCustomers, WithoutSignup
from tenure.validation.questions.gaps import Gaps
from tenure.validation.questions.identities import Repetitions
from tenure.validation.questions.kinds import LooksLikeTest, MissingTypes, Tests
from tenure.validation.questions.money import CurrenciesApart, CurrencyMissing, Jumps, PricesApart, TinyPrices
from tenure.validation.questions.question import Question
from tenure.validation.questions.subscriptions import SameTwice, SharedSubscriptions, WithoutEffect
from tenure.validation.questions.times import AheadOfRecord, DatesOnly
from tenure.validation.questions.values import IdsAsPlans, Values


def all_questions(dimensions: tuple[str, ...], default_currency: str) -> list[Question]:
    """Return a new object of each question.

    Args:
        dimensions: Of the settings, beside the built-in ones.
        default_currency: ISO 4217.
    """
    return [
        MissingTypes(),
        WithoutSignup(),
        WithoutEffect(),
        Repetitions(),
        AlikeCustomers(),
        SameTwice(),
        SharedSubscriptions(),
        Jumps(),
        PricesApart(default_currency),
        TinyPrices(default_currency),
        CurrencyMissing(default_currency),
        CurrenciesApart(),
        Values((*BUILT_IN_DIMENSIONS[1:], *dimensions)),
        IdsAsPlans(),
        Gaps(),
        CancelBursts(),
        AheadOfRecord(),
        DatesOnly(),
        Tests(),
        LooksLikeTest(),
    ]
