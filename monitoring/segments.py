"""Recording rules of segments against their targets: how sure each miss is, and which of all stand together.

Each segment with a target is one test. Of those that are said to miss, at most a share is expected to do so by chance,
however many are tested: the step-up of Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300. PromQL has no
ranks: the largest i for which at least i tests are at or below i · q / m is looked for one by one.
"""

from collections.abc import Iterator
from typing import Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from schemas.catalogue.ratios import WINDOW_RATIOS

TARGET: Final = "kpi:segment_target:ratio"
SCORE: Final = "segment:target_miss:zscore"
CHANCE: Final = "segment:target_miss:pvalue"
LIMIT: Final = "segment:target_miss:limit"
WHERE: Final = "window, dimension, value"
TESTED: Final = tuple(ratio for ratio in WINDOW_RATIOS if ratio.is_proportion)
#: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17; off by less than 7.5e-8.
_TAIL: Final = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
_TAIL_STEP: Final = 0.2316419
_ROOT_OF_TWO_PI: Final = 2.506628274631


def rules() -> Iterator[Recording]:
    """Yield the targets, the score and the chance of each miss, and the limit of a chance that counts."""
    yield Recording(TARGET, f"max by (kpi, {WHERE}) (tenure_segment_target_ratio)")
    for ratio in TESTED:
        name = f"segment:{ratio.name}"
        target = f'sum by ({WHERE}) ({TARGET}{{kpi="{ratio.name}"}})'
        allowed = f"(1 - {target})" if ratio.higher_is_better else target
        lost, sample = (f'sum by ({WHERE}) ({name}:{part}{{dimension!="all"}})' for part in ("losses", "sample"))
        # Half an outcome less, for counts are whole; and the power that takes the skew from few of many.
        above = f"({lost} - 0.5) ^ (2 / 3) - ({sample} * {allowed}) ^ (2 / 3)"
        enough = f"{lost} >= {thresholds.LEAST_LOSSES} and {sample} >= {thresholds.LEAST_SAMPLE}"
        spread = f"({sample} * {allowed} > 0) ^ (1 / 6) * sqrt(1 - {allowed} > 0)"
        score = f"1.5 * ({above}) / ({spread})"
        # A segment with too few customers is a test all the same: it must not lower the bar for the others.
        tested = f"({sample} * 0 * {allowed})"
        yield Recording(SCORE, f"{score} and {enough}\nor {tested}", {"kpi": ratio.name})
    step = f"(1 / (1 + {_TAIL_STEP} * abs({SCORE})))"
    terms = " + ".join(f"{promql.number(weight)} * {step} ^ {power}" for power, weight in enumerate(_TAIL, 1))
    tail = f"exp(-({SCORE} ^ 2) / 2) / {_ROOT_OF_TWO_PI} * ({terms})"
    yield Recording(CHANCE, f"{tail} and {SCORE} > 0\nor {SCORE} * 0 + 1")
    steps = [_step(rank) for rank in range(1, thresholds.SEGMENT_RANKS + 1)]
    yield Recording(LIMIT, "max(\n  " + "\n  or ".join(steps) + "\n)")


def _step(rank: int) -> str:
    limit = f"vector({promql.number(rank * thresholds.FALSE_DISCOVERIES)}) / count({CHANCE})"
    return f'label_replace({limit} and count({CHANCE} <= scalar({limit})) >= {rank}, "rank", "{rank}", "", "")'
