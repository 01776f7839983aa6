"""The model of who leaves within 30 days: a logistic regression in steps of 30 days, and what it is worth.

It is fitted when the command runs, judged on the last quarter, which it has not seen, and fitted once more with it.
scikit-learn is an extra, and loaded here alone. What the figures mean: docs/risk.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np

from kpis.arrays import Flags, Floats
from kpis.population.risk import HELD_OUT_STEPS, SIGNS, Observations
from streams.errors import UsageError

#: Ages from which the rate of leaving may differ (days since the stay began).
AGE_EDGES: Final = (30, 60, 90, 180, 365, 730)
#: Nothing is learnt from fewer customers who left, and nothing judged by fewer (count).
LEAST_LEARNT: Final = 50
LEAST_HELD_OUT: Final = 20
#: One-sided at 5 %: the gain over age and plan that chance alone would not bring.
_LEAST_Z: Final = 1.645
_BINS: Final = 10
AGE: Final = "age"
PLAN: Final = "plan"
#: What a reason may be about, as documents name it.
REASONS: Final = (AGE, PLAN, *SIGNS)


class CalibrationBin(NamedTuple):
    """A tenth of the held-out observations, by the probability that the model gave them."""

    observations: int
    expected: float
    left: int


class ModelJudgement(NamedTuple):
    """The worth of a model on observations that it has not seen."""

    observations: int
    left: int
    expected: float
    log_loss: float
    #: of the hazard by plan and age alone
    log_loss_plain: float
    #: by how many standard errors the first is lower
    z: float
    #: how often a customer who left had the greater probability than one who stayed
    concordance: float
    #: the share that left of the tenth with the greatest probabilities, over that of all
    lift: float
    bins: tuple[CalibrationBin, ...]

    @property
    def is_better(self) -> bool:
        """True where it is better than plan and age alone."""
        return self.z >= _LEAST_Z


class Score(NamedTuple):
    """The probability that a customer leaves within 30 days, and what makes it differ from that of others."""

    customer_id: str
    plan: str
    mrr: int
    probability: float
    #: names of REASONS, by how much each multiplies the odds; those that raise them most come first
    reasons: tuple[tuple[str, float], ...]


class RiskModel(NamedTuple):
    """A fitted model."""

    coefficients: Floats
    intercept: float
    #: of the signs, among those it was fitted on
    mean: Floats
    scale: Floats
    plans: int

    def matrix(self, found: Observations) -> Floats:
        """Return the columns: plan and age, each with each, and the signs, scaled."""
        return np.hstack((_plan_and_age(found, self.plans), (found.signs - self.mean) / self.scale))

    def probabilities(self, found: Observations) -> Floats:
        """Return the probability of each to leave within the step."""
        return self.chances(self.matrix(found))

    def chances(self, matrix: Floats) -> Floats:
        """Return the probabilities of observations that `matrix` made columns of."""
        chances: Floats = 1 / (1 + np.exp(-(matrix @ self.coefficients + self.intercept)))
        return chances


def judged(found: Observations) -> ModelJudgement | str:
    """Return what the model is worth on the last quarter, or why nothing can be said.

    It is fitted to the steps before the last HELD_OUT_STEPS, and so is the hazard by plan and age that it is compared
    with.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    is_past = found.step > 0
    learnt, held_out = (
        found.chosen(is_past & (found.step > HELD_OUT_STEPS)),
        found.chosen(is_past & (found.step <= HELD_OUT_STEPS)),
    )
    left = int(learnt.has_left.sum())
    if left < LEAST_LEARNT:
        return f"{left} customers left in the year before the last quarter, and {LEAST_LEARNT} are needed to learn from"
    left = int(held_out.has_left.sum())
    if left < LEAST_HELD_OUT:
        return f"{left} customers left in the last quarter, and {LEAST_HELD_OUT} are needed to judge by"
    model, plain = fitted(learnt), _fitted_plain(learnt)
    chances = model.probabilities(held_out)
    plainly = _chances_of(plain, _plan_and_age(held_out, len(found.plans)))
    return _judgement(held_out, chances, plainly)


def fitted(found: Observations) -> RiskModel:
    """Return the model of observations whose outcome is known.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    mean, scale = found.signs.mean(0), found.signs.std(0)
    scale[scale == 0] = 1.0
    model = RiskModel(np.empty(0), 0.0, mean, scale, len(found.plans))
    regression = _regression(model.matrix(found), found.has_left)
    return model._replace(coefficients=regression.coef_[0], intercept=float(regression.intercept_[0]))


class RiskScores:
    """The scores of observations by a model."""

    def __init__(self, model: RiskModel, found: Observations) -> None:
        """Score observations."""
        self._model, self._found = model, found
        self._matrix = model.matrix(found)
        #: of each to leave within the step
        self.probabilities = model.chances(self._matrix)

    @property
    def mrr_at_risk(self) -> float:
        """The MRR that is expected to leave (minor units)."""
        return float(self.probabilities @ self._found.mrr)

    def listed(self, limit: int, is_named: Callable[[str], bool], most_reasons: int = 3) -> list[Score]:
        """Return the scores of some, the greatest probability first.

        A reason is compared with the mean of all that are scored: a term of the sum that makes the logarithm of the
        odds.

        Args:
            limit: So many at most (count).
            is_named: Says of a customer's id whether it may be in a list.
            most_reasons: Of each at most (count).
        """
        found = self._found
        order = np.lexsort((found.customer, -self.probabilities)).tolist()
        named = (place for place in order if is_named(found.customer_ids[found.customer[place]]))
        places = list(islice(named, limit))
        return [
            Score(
                customer_id=found.customer_ids[found.customer[place]],
                plan=found.plans[found.plan[place]],
                mrr=int(found.mrr[place]),
                probability=float(self.probabilities[place]),
                reasons=_reasons(terms, most_reasons),
            )
            for place, terms in zip(places, self._terms(places), strict=True)
        ]

    def _terms(self, places: Sequence[int]) -> Floats:
        """Return of some observations (lines) the terms of REASONS (columns), less their means over all."""
        model = self._model
        terms = (self._matrix[places] - self._matrix.mean(0)) * model.coefficients if places else np.empty((0, 0))
        ages = len(AGE_EDGES) + 1
        # Where plan and age meet, the term is shared by both; it is told as one of age.
        plan = terms[:, : model.plans].sum(1)
        age = terms[:, model.plans : model.plans + ages + model.plans * ages].sum(1)
        return np.column_stack((age, plan, terms[:, -len(SIGNS) :]))


def _reasons(terms: Floats, most: int) -> tuple[tuple[str, float], ...]:
    ranked = np.argsort(-terms, kind="stable")[:most]
    return tuple((REASONS[each], float(np.exp(terms[each]))) for each in ranked if terms[each] > 0.01)


def _plan_and_age(found: Observations, plans: int) -> Floats:
    """Return plan, age, and both together, each as one column a value."""
    age = np.searchsorted(np.array(AGE_EDGES), found.age_days, "right")
    ages = len(AGE_EDGES) + 1
    columns = np.zeros((len(age), plans + ages + plans * ages))
    lines = np.arange(len(age))
    for column in (found.plan, plans + age, plans + ages + found.plan * ages + age):
        columns[lines, column] = 1.0
    return columns


def _fitted_plain(found: Observations) -> Any:
    return _regression(_plan_and_age(found, len(found.plans)), found.has_left)


def _regression(matrix: Floats, has_left: Flags) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - an extra, which takes a second to load
    except ImportError:
        raise UsageError(
            "tenure risk fits its model with scikit-learn, which is not installed: pip install 'tenure[risk]'"
        ) from None
    return LogisticRegression(C=1.0, max_iter=2_000).fit(matrix, has_left)


def _chances_of(regression: Any, matrix: Floats) -> Floats:
    chances: Floats = regression.predict_proba(matrix)[:, 1]
    return chances


def _judgement(found: Observations, chances: Floats, plainly: Floats) -> ModelJudgement:
    left = found.has_left
    losses, plain_losses = _losses(chances, left), _losses(plainly, left)
    # A customer is there up to three times: gains are summed by customer, so that they are independent.
    gains = np.bincount(found.customer, plain_losses - losses)[np.unique(found.customer)]
    spread = float(gains.std(ddof=1)) * np.sqrt(len(gains))
    order = np.argsort(-chances, kind="stable")
    top = order[: max(1, len(order) // _BINS)]
    parts = np.array_split(order[::-1], min(_BINS, len(order)))
    return ModelJudgement(
        observations=len(left),
        left=int(left.sum()),
        expected=float(chances.sum()),
        log_loss=float(losses.mean()),
        log_loss_plain=float(plain_losses.mean()),
        z=float(gains.sum() / spread) if spread else 0.0,
        concordance=_concordance(chances, left),
        lift=float(left[top].mean() / left.mean()),
        bins=tuple(CalibrationBin(len(part), float(chances[part].sum()), int(left[part].sum())) for part in parts),
    )


def _losses(chances: Floats, left: Flags) -> Floats:
    right = np.clip(np.where(left, chances, 1 - chances), 1e-12, 1.0)
    losses: Floats = -np.log(right)
    return losses


def _concordance(chances: Floats, left: Flags) -> float:
    """Return the area under the ROC curve, ties counting one half (Hanley and McNeil 1982)."""
    values, inverse, counts = np.unique(chances, return_inverse=True, return_counts=True)
    del values
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positive = int(left.sum())
    above = float(ranks[inverse][left].sum()) - positive * (positive + 1) / 2
    return above / (positive * (len(left) - positive))
