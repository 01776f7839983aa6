"""Tiles: one number now, its change, its target and its sample in small type, its line over time behind it.

Colours are those of the target, and allow for chance where that can be said: a proportion misses its target where its
interval does, NPS where 1.96 standard errors do. Retention and churn are one fact and have one colour: each is judged
by its own target and by the other's, the stricter where both are set.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.dashboards import queries, sentences
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, number, withheld_as
from monitoring.dashboards.queries import AS_OF, Query, everyones, now
from monitoring.dashboards.wording import About, change_unit_of, factor_of, of_ratio, unit_of
from monitoring.withheld import LOADING_STATE, WITHHELD
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, has_windows

RETENTION: Final = RATIO_BY_NAME["retention"]
STANDARD: Final = RATIO_BY_NAME["churn_standard"]
#: What a tile says of its target, and the colour of its number.
VERDICTS: Final = {"on target": GOOD, "may miss target": FAIR, "missed target": BAD, "no target": CALM}
SHARES_OF_ANSWERS: Final = ("csat",)
"""Shares that the catalogue does not call proportions, since one customer may answer twice; chance is as large."""
NO_CHANGE: Final = f"no change is known in {queries.EARLIER_DAYS} d"
"""Where there was no number then: in a stream's first days, and where no history was loaded."""
WIDTH: Final = 6
"""Of a tile: its title is whole on a screen of 1,440 pixels with the menu open, four to a line."""
HEIGHT: Final = 5
_FROM_ZERO: Final = (0.0, None)
_LOADED: Final = (
    " *Loaded since*: history was loaded in between, and what the number is compared with lacks what that brought."
)
_SAID: Final = (
    "The number is as of now; behind it is its line over the chosen time. Small type: what becomes of the target, how"
    f" it changed in {queries.EARLIER_DAYS} days, and how many customers, answers or terms it is about. Green is on"
    " target, orange misses it where chance may be the reason, red misses it (with 97.5 % certainty), blue has none in"
    f" this window.{_LOADED} While numbers are withheld it says so, and since when."
)
_COUNTED: Final = (
    "The number is as of now; behind it is its line over the chosen time. Small type: how it changed in"
    f" {queries.EARLIER_DAYS} days.{_LOADED} While numbers are withheld it says so, and since when."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """The contents of a tile.

    Attributes:
        value: The number now; one series without labels.
        line: The same over time.
        words: PromQL of the small line's words by label, in their order.
        factor: What the number is multiplied by, or divided, to be shown.
        axis: The least and the most of the line: by itself it fills the tile, and 20 to 22 looks like a leap. None
            where Grafana knows the range, as of shares, or nobody does.
    """

    value: str
    line: str
    words: dict[str, str] = field(default_factory=dict)
    factor: str = ""
    axis: tuple[float | None, float | None] = (None, None)


def tile(ratio: Ratio, *, title: str = "", board: str = "", size: tuple[int, int] = (WIDTH, HEIGHT)) -> Placed:
    """Return a KPI now, in the chosen window, in the colour of its target.

    Args:
        ratio: The KPI.
        title: Another title than the KPI's.
        board: The uid of the board that the tile leads to; empty for none.
        size: Width and height on the grid.
    """
    about = of_ratio(ratio, _SAID, title=title)
    return _ratio_tile(about, ratio, ratio.name, board, size)


def churn_tile(*, board: str = "", size: tuple[int, int] = (WIDTH, HEIGHT)) -> Placed:
    """Return the tile of customer churn by the chosen lens."""
    return _ratio_tile(of_lens(_SAID, title="Customer churn, $lens"), STANDARD, "churn_${lens}", board, size)


def count_tile(
    about: About,
    selector: str,
    *,
    factor: str = "",
    board: str = "",
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Placed:
    """Return a count now, and by which share it changed.

    Args:
        about: What it says; how to read a tile is added.
        selector: The recorded series.
        factor: What it is multiplied by, or divided, to be shown.
        board: The uid of the board that the tile leads to; empty for none.
        size: Width and height on the grid.
    """
    return expression_tile(
        about,
        now(selector),
        queries.trend(selector),
        queries.earlier(selector),
        factor=factor,
        board=board,
        size=size,
        axis=_FROM_ZERO,
    )


def expression_tile(
    about: About,
    value: str,
    line: str,
    before: str,
    *,
    factor: str = "",
    points: bool = False,
    board: str = "",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    axis: tuple[float | None, float | None] = (None, None),
) -> Placed:
    """Return what `count_tile` does, of an expression over several series: now, over time, and earlier.

    Of a share (`points`) the change is a difference.
    """
    here = _shown(value)
    difference, share = f"100 * ({here} - {everyones(before)})", f"100 * ({here} / ({everyones(before)} > 0) - 1)"
    changed, unit = (difference, " points") if points else (share, " %")
    # Grafana writes "Value" beside a number without words.
    nothing = sentences.said(here, "change", NO_CHANGE)
    words = {
        "change": f"{sentences.change(changed, 'change', f'$1{unit}', step='0.1')} or on () {nothing}",
        "load": _load(changed),
    }
    said = About(about.title, f"{about.description}\n\n{_COUNTED}", about.unit, about.runbooks)
    return _tile(said, Shown(here, everyones(line), words, factor, axis), board, size)


def plain_tile(
    about: About, selector: str, *, words: str, empty: str, size: tuple[int, int] = (WIDTH, HEIGHT), **looks: Any
) -> Placed:
    """Return a number now that has no target and no line.

    Args:
        about: What it says.
        selector: The series, of which the largest is shown.
        words: A label of the series that stands beside it in small type.
        empty: What stands there while there is no number, though numbers are shown.
        size: Width and height on the grid.
        looks: `steps`, `coloured` and `decimals` of `number`.
    """
    asked = (
        f"(max by ({words}) ({selector}) unless on () {now(WITHHELD)})\nor on () 0 / 0 * {_since('verdict', 'target')}"
    )
    legend = f"{{{{{words}}}}}{{{{verdict}}}}{{{{target}}}}"
    chosen = {"decimals": 0, "steps": [(None, CALM)], **looks}
    query = Query(asked, legend)
    return number(about, query, size=size, empty=empty, names=True, mappings=withheld_as("withheld"), **chosen)


def of_lens(*more: str, title: str) -> About:
    """Return what a panel about churn by any lens says."""
    lenses = [ratio for name, ratio in RATIO_BY_NAME.items() if name.startswith("churn_")]
    listed = "\n".join(f"- {ratio.path[-1]}: `{ratio.numerator}` / `{ratio.denominator}`" for ratio in lenses)
    runbooks = [runbook for ratio in lenses for runbook in of_ratio(ratio).runbooks]
    text = "\n\n".join(["Customers lost, by the definition that the variable *lens* chooses.", listed, *more])
    return About(title, text, unit_of(STANDARD), tuple(dict.fromkeys(runbooks)))


def target_of(ratio: Ratio, kpi: str, window: str = "$window", *, over_time: bool = False) -> str:
    """Return the target that a KPI is judged by; of retention and standard churn the stricter of both.

    Args:
        ratio: The KPI, of churn by any lens the standard one.
        kpi: Its name, which may hold the variable `lens`.
        window: Of the target.
        over_time: Whether a line is asked for, or the target now.
    """
    asked = queries.known_target if over_time else now
    own = asked(queries.target(kpi, window))
    if ratio is RETENTION:
        return everyones(f"{own} or 1 - {asked(queries.target(STANDARD.name, window))}")
    if ratio is STANDARD:
        other = f'label_replace(1 - {asked(queries.target(RETENTION.name, window))}, "lens", "standard", "", "")'
        chosen = f'{other} and on (lens) label_replace(vector(1), "lens", "{_lens(kpi)}", "", "")'
        return f"min({own} or {chosen})"
    return everyones(own)


def _lens(kpi: str) -> str:
    return kpi.removeprefix("churn_")


def _ratio_tile(about: About, ratio: Ratio, kpi: str, board: str, size: tuple[int, int]) -> Placed:
    selector = f"segment:{kpi}:ratio{{{queries.everybody(ratio)}}}"
    here, target = _shown(now(selector)), target_of(ratio, kpi)
    sign, unit = "≥" if ratio.higher_is_better else "≤", change_unit_of(ratio)
    step, scale = ("0.1", "100 *") if unit else ("0.01", "1 *")
    share = " %" if unit_of(ratio) == unit_of(STANDARD) else ""
    where, on_scale = queries.everybody(ratio), f"{scale} ({here} - {everyones(queries.earlier(selector))})"
    words = {
        "verdict": _verdict(ratio, kpi, here, target),
        "target": sentences.number(f"{scale} {target}", "target", f" {sign} $1{share}", step=step),
        "change": sentences.change(on_scale, "change", f"{sentences.SEPARATOR}$1{unit}", step=step),
        "load": _load(on_scale),
        "sample": sentences.number(
            everyones(now(f"segment:{kpi}:sample{{{where}}}")), "sample", f"{sentences.SEPARATOR}of $1", step="1"
        ),
    }
    if not has_windows(ratio):
        del words["sample"]
    axis = (-100.0, 100.0) if ratio.is_score else _FROM_ZERO if ratio.name == "quick_ratio" else (None, None)
    return _tile(about, Shown(here, everyones(queries.trend(selector)), words, factor_of(ratio), axis), board, size)


def _load(changed: str) -> str:
    """Return the words that a change is against numbers that lack what was loaded since; absent where it is not."""
    return sentences.said(f"{changed} and on () {queries.loaded_since()}", "load", ", loaded since")


def _shown(value: str) -> str:
    """Return a number now without its labels, unless numbers are withheld."""
    return f"({everyones(value)} unless on () {now(WITHHELD)})"


def _verdict(ratio: Ratio, kpi: str, here: str, target: str) -> str:
    """Return what becomes of the target, in words; exactly one of them where there is a number."""
    kept, missed = (">=", "<") if ratio.higher_is_better else ("<=", ">")
    beyond = f"{here} {missed} {target}"
    conditions = {"on target": f"{here} {kept} {target}", "no target": f"{here} unless on () {target}"}
    if bound := _good_bound(ratio, kpi, here):
        conditions["may miss target"] = f"{beyond} and on () {bound} {kept} {target}"
        conditions["missed target"] = f"{beyond} unless on () {bound} {kept} {target}"
    else:
        conditions["missed target"] = beyond
    words = [sentences.said(condition, "verdict", said) for said, condition in conditions.items()]
    return f"({' or '.join(words)})"


def _good_bound(ratio: Ratio, kpi: str, here: str) -> str:
    """Return the bound of a KPI's interval on the good side; empty where chance cannot be said."""
    where = queries.everybody(ratio)
    if ratio.is_proportion:
        side = "high" if ratio.higher_is_better else "low"
        return everyones(now(f"segment:{kpi}:wilson_{side}{{{where}}}"))
    sample = everyones(now(f"segment:{kpi}:sample{{{where}}}"))
    if ratio.name in SHARES_OF_ANSWERS:
        return f"(1 - {promql.wilson(f'((1 - {here}) * {sample})', sample, thresholds.Z_WARN, side='-')})"
    if ratio.name == "nps":
        variance = everyones(now(f"segment:nps:variance{{{where}}}"))
        return f"({here} + {promql.number(thresholds.Z_WARN)} * sqrt({variance}))"
    return ""


def _since(why: str, when: str) -> str:
    """Return a series while numbers are withheld, with labels that say why and since when."""
    loading = f'label_replace({now(WITHHELD)}, "{why}", "$1, ", "state", "({LOADING_STATE})")'
    return f'max by ({why}, {when}) (label_replace({loading}, "{when}", "since $1", "since", "(.*)"))'


def _tile(about: About, shown: Shown, board: str, size: tuple[int, int]) -> Placed:
    # The last step lies before now: what is shown there is the number as of now.
    last = f"vector(time()) > {AS_OF} - $__interval_ms / 1000"
    numbers = f"((({shown.line}) unless on () ({last})) or ({shown.value} and on () ({last})))"
    found = sentences.joined(f"{numbers}{shown.factor}", shown.value, shown.words)
    asked = f"{found}\nor on () (0 / 0 * {_since('verdict', 'target')} and on () {last})"
    legend = "".join(f"{{{{{label}}}}}" for label in ("verdict", "target", "change", "load", "sample"))
    return number(
        about,
        Query(asked, legend),
        size=size,
        empty="no sample",
        decimals=1 if shown.words.get("verdict") else None,
        line=True,
        lowest=shown.axis[0],
        highest=shown.axis[1],
        mappings=withheld_as("withheld"),
        coloured={f"/^{words}/": colour for words, colour in VERDICTS.items()},
        steps=[(None, CALM if shown.words else NONE)],
        board=board,
    )
