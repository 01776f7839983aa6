"""The scales of surveys, each said once: kinds, ranges and good answers, for decoding, counts, reports and pages.

NPS and CSAT are counted, by window and segment; the answers on the other scales change no count, and are looked at
when all customers are. Sources: Reichheld (2003) for NPS; Dixon, Freeman and Toman (2010) for customer effort; Sauro
and Dumas (2009) for ease of use; Ellis (2010) for product-market fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class SurveyScale(NamedTuple):
    """A scale on which customers answer.

    Attributes:
        title: Its name in words.
        lowest: The lowest score.
        highest: The highest one.
        good_from: Scores from here on are good.
        question: What customers are asked, with what the ends of the scale mean.
    """

    title: str
    lowest: int
    highest: int
    good_from: int
    question: str

    @property
    def scores(self) -> range:
        """Every score that an answer may have."""
        return range(self.lowest, self.highest + 1)


SCALES: Final[Mapping[str, SurveyScale]] = {
    "nps": SurveyScale("NPS", 0, 10, 9, "How likely would you recommend us? 0 not at all, 10 very."),
    "csat": SurveyScale("CSAT", 1, 5, 4, "How satisfied are you? 1 not at all, 5 very."),
    "ces": SurveyScale(
        "Customer effort (CES)", 1, 7, 5, "It was easy to get done what I wanted: 1 I disagree, 7 I agree."
    ),
    "ease": SurveyScale("Ease of use", 1, 7, 5, "How easy is it to use? 1 very difficult, 7 very easy."),
    "value": SurveyScale("Value for money", 1, 5, 4, "Is it worth its price? 1 not at all, 5 entirely."),
    "pmf": SurveyScale(
        "Product-market fit",
        1,
        3,
        3,
        "How would you feel without it? 1 not disappointed, 2 somewhat, 3 very.",
    ),
}
COUNTED_SCALES: Final = ("nps", "csat")
"""The kinds whose surveys counts know."""
FURTHER_SCALES: Final = tuple(kind for kind in SCALES if kind not in COUNTED_SCALES)
