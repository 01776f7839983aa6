"""The table of scales: what events take is what it says."""

from __future__ import annotations

from typing import get_args

import pytest

from schemas.decoding.decoder import Decoder
from schemas.events import AnySurveyKind, Survey, SurveyKind
from schemas.survey_scales import COUNTED_SCALES, FURTHER_SCALES, SCALES
from tests.unit.schemas.lines import line, say


def test_kinds_of_events_are_those_of_the_table() -> None:
    """A scale that only one of them knew would be refused, or answered with nothing."""
    assert get_args(AnySurveyKind) == tuple(SCALES) == (*COUNTED_SCALES, *FURTHER_SCALES)
    assert get_args(SurveyKind) == COUNTED_SCALES
    assert all(scale.good_from in scale.scores for scale in SCALES.values())


@pytest.mark.parametrize("kind", SCALES)
def test_scores_are_those_of_the_scale(kind: str) -> None:
    """A seven of five is a fault of the sender, not a very good answer."""
    scale = SCALES[kind]
    given = [scale.lowest - 1, scale.lowest, scale.highest, scale.highest + 1]
    decoded = Decoder().decode([line(say("survey", kind=kind, score=score, incentive=True)) for score in given])
    assert [(event.score, event.incentive) for event in decoded.events if isinstance(event, Survey)] == [
        (scale.lowest, True),
        (scale.highest, True),
    ]
    assert len(decoded.refused) == 2
