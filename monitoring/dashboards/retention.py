"""The board *Retention and churn*: who stays and who leaves, by window, lens and segment, and why."""

from typing import Final

from monitoring import scores
from monitoring.alerts import thresholds
from monitoring.dashboards import behaviour, freshness, queries, sentences, tiles, trends, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import columns
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, lines
from monitoring.dashboards.queries import Query, now
from monitoring.dashboards.wording import COLOURS, COUNT, About, of_count, of_counts
from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS
from schemas.instruments import DAILY_CANCELLATIONS

UID: Final = "tenure-retention"
LENSES: Final = tuple(ratio for ratio in WINDOW_RATIOS if ratio.path[0] == "churn")


_LAST_DAY: Final = f'{scores.DAYS}{{days_ago="0"}}'


def board() -> Board:
    """Return the board."""
    retention, churn, renewal = (RATIO_BY_NAME[name] for name in ("retention", "churn_standard", "renewal"))
    chosen = [variables.source(), variables.job(), variables.window(), variables.lens()]
    return Board(
        UID,
        "Retention and churn",
        "Who stays and who leaves, and why?",
        [*chosen, variables.dimension(), variables.value()],
        [
            Section("", freshness.first_line()),
            Section(
                "Who stays and who leaves",
                [tiles.tile(retention), tiles.churn_tile(), tiles.tile(renewal), lost()],
            ),
            Section("Over time", [trends.line(retention), lenses()]),
            Section("Is something happening", [daily(), spike(), rise("voluntary"), rise("involuntary")]),
            Section(
                "By $dimension",
                [
                    trends.segments(churn, departures=True),
                    trends.by_value(churn),
                    trends.segments(renewal),
                    active(),
                ],
            ),
            Section("Why they leave", [behaviour.reasons(), voluntary(), renewals(), flow()]),
        ],
    )


def lost() -> Placed:
    """Return the customers who were lost in the window."""
    return tiles.count_tile(of_count("customers_lost", title="Customers lost"), queries.count("customers_lost"))


def lenses() -> Placed:
    """Return churn over time by all definitions at once."""
    about = tiles.of_lens(
        "They differ by who is counted above and below the line, and none is wrong.", title="Churn by all lenses"
    )
    asked = [
        Query(queries.trend(queries.ratio(ratio)), ratio.path[-1], colour=COLOURS[ratio.path[-1]]) for ratio in LENSES
    ]
    return lines(about, *asked, size=(12, 8), lowest=0)


def flow() -> Placed:
    """Return who comes and who goes over time."""
    gains = {"customers_new": ("new customers", CALM), "customers_reactivated": ("came back", "purple")}
    meaning = (
        "Each point is the sum over the window that ends then; who leaves is below the axis. What is above less what is"
        " below is the growth of the window."
    )
    about = of_counts("Coming and going", meaning, *gains, "cancellations")
    asked = [Query(queries.trend(queries.count(name)), words, colour=colour) for name, (words, colour) in gains.items()]
    left = Query("-" + queries.trend(queries.count("cancellations")), "cancellations", colour=BAD)
    return lines(about, *asked, left, size=(12, 8), mirrored=True, filled=40)


def daily() -> Placed:
    """Return the cancellations of each of the last days."""
    about = About(
        "Cancellations by day",
        "Of each of the last 29 times 24 hours, by how many days ago they ended; 00 is the one that runs now.\n\n"
        f"`{DAILY_CANCELLATIONS.name}`: {DAILY_CANCELLATIONS.help}",
        COUNT,
        ("ChurnSpike",),
    )
    # Text sorts 10 before 2: padded.
    padded = f'label_replace({scores.DAYS}, "day", "0$1", "days_ago", "(.)")'
    named = f'label_replace({padded}, "day", "$1", "days_ago", "(..)")'
    asked = queries.or_withheld(f"sum by (day) ({named})", "day")
    return columns(about, Query(asked, "cancellations"), across="day", size=(12, 8))


def spike() -> Placed:
    """Return the last day's cancellations against those of the same weekdays, in words."""
    about = About(
        "Last 24 hours",
        "Cancellations of the last 24 hours, against the mean of the same weekdays, by Anscombe's root: *more than"
        f" chance* from {thresholds.SPIKE_Z_WARN:g} on, which is a warning, from {thresholds.SPIKE_Z_PAGE:g} on a page."
        " Nothing is said before the first full week.\n\n"
        f"`z = 2 (√(c + 3/8) − √(e + 3/8)) / √(φ (1 + 1/k))`, `{scores.SPIKE}`",
        COUNT,
        ("ChurnSpike",),
    )
    usual = sentences.number(f"max({now(scores.EXPECTED)})", "usual", "usual $1, ", step="0.1")
    score = f"max({now(scores.SPIKE)})"
    words = _chance(score, thresholds.SPIKE_Z_WARN, thresholds.SPIKE_Z_PAGE)
    counted = f"max({now(_LAST_DAY)})"
    asked = sentences.joined(counted, counted, {"usual": usual, "chance": words})
    said = f'label_join({asked}, "said", "", "usual", "chance")'
    return tiles.plain_tile(about, said, words="said", empty="no full day yet", size=(4, 8), coloured=_CHANCE)


def rise(cause: str) -> Placed:
    """Return the last week's cancellations of a cause against the weeks before them, in words."""
    failed = "segment:tenure_cancellations_involuntary:sum"
    title = "Payment failed" if cause == "involuntary" else "Left by choice"
    runbook = "InvoluntaryChurnRising" if cause == "involuntary" else "VoluntaryChurnRising"
    about = About(
        title,
        "Cancellations of the last 7 days, against the 23 days before them: *more than chance* from"
        f" {thresholds.RISE_Z:g} standard errors on, which is a warning. Nothing is said with fewer than"
        f" {thresholds.LEAST_SAMPLE} customers.\n\n`{scores.RISE}`",
        COUNT,
        (runbook,),
    )
    week = 'dimension="all",window="7d"'
    all_of_them = f"max({now(queries.count('cancellations', week))})"
    involuntary = f"max({now(f'{failed}{{{week}}}')})"
    counted = involuntary if cause == "involuntary" else f"({all_of_them} - {involuntary})"
    score = f'max({now(f"""{scores.RISE}{{cause="{cause}"}}""")})'
    asked = sentences.joined(counted, counted, {"chance": _chance(score, thresholds.RISE_Z, thresholds.RISE_Z)})
    asked = f'label_replace({asked}, "chance", "in 7 days, $1", "chance", "(.+)")'
    return tiles.plain_tile(about, asked, words="chance", empty="no sample", size=(4, 8), coloured=_CHANCE)


#: What a count against the past is said to be, and its colour.
_CHANCE: Final = {"/more than chance$/": FAIR, "/far more than chance/": BAD, "/as usual$/": NONE}


def _chance(score: str, warns: float, pages: float) -> str:
    """Return words about a score against the past."""
    far = f"{score} >= {pages:g}" if pages > warns else f"{score} > Inf"
    conditions = {
        "as usual": f"{score} < {warns:g}",
        "more than chance": f"{score} >= {warns:g} unless {far}",
        "far more than chance": far,
    }
    return " or ".join(sentences.said(condition, "chance", words) for words, condition in conditions.items())


def active() -> Placed:
    """Return the active customers by the chosen values."""
    about = of_count("customers_active", "By the values of the variable *dimension*.", title="Customers by $dimension")
    asked = queries.each_value(f"{queries.trend(queries.count('customers_active', queries.SEGMENT))} > 0")
    return lines(about, Query(asked, "{{value}}"), size=(12, 8), stacked=True, filled=30, values=True)


def voluntary() -> Placed:
    """Return cancellations that were decided and those that were not, over time."""
    meaning = "Payments that failed want another remedy than customers who decide to leave."
    about = of_counts("Decided or not", meaning, "cancellations", "cancellations_involuntary")
    failed = queries.trend(queries.count("cancellations_involuntary"))
    decided = f"{queries.trend(queries.count('cancellations'))} - {failed}"
    asked = [Query(decided, "voluntary", colour=FAIR), Query(failed, "involuntary", colour=BAD)]
    return lines(about, *asked, size=(12, 9), stacked=True, filled=40)


def renewals() -> Placed:
    """Return what became of the terms that ended, over time."""
    colours = {"renewed": GOOD, "declined": FAIR, "failed": BAD}
    names = [f"renewals_{how}" for how in colours]
    about = of_counts("What became of terms", "Terms that ended in the window.", *names)
    asked = [
        Query(queries.trend(queries.count(f"renewals_{how}")), how, colour=colour) for how, colour in colours.items()
    ]
    return lines(about, *asked, size=(12, 8), stacked=True, filled=40)
