"""The first line of every board: whether numbers are shown, since when not, and which alerts fire."""

from typing import Final

from monitoring import withheld
from monitoring.alerts import thresholds
from monitoring.dashboards import queries, sentences
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, number, withheld_as
from monitoring.dashboards.queries import Query, now
from monitoring.dashboards.wording import CAUSES, COUNT, SEEN_UNTIL, About, of_metric
from schemas.instruments import BUILD_INFO, LOSSES

STREAM: Final = "tenure-stream"
_FROM_NOW: Final = "dateTimeFromNow"
FIRING: Final = 'ALERTS{alertstate="firing",service="tenure",severity=~"page|warn"}'
"""Alerts that somebody is told of."""
_PENDING: Final = FIRING.replace('"firing"', '"pending"')


def shown(*, size: tuple[int, int] = (12, 3)) -> Placed:
    """Return whether numbers are shown, and when they were last complete."""
    about = About(
        "Numbers",
        "Whether every partition is counted exactly once, none recovers or is halted, and none is more than"
        f" {thresholds.LAG_LIMIT_SECONDS} s behind. While that is not so the KPIs are withheld, since when is said here"
        " and in each tile; and while history is being loaded they are not shown, since they grow from nothing.\n\n"
        f"`stream:complete:bool`, `{withheld.WITHHELD}`",
        _FROM_NOW,
        ("TenureIncomplete", "TenureBackfill"),
    )
    state = now(withheld.WITHHELD)
    complete = f"(1000 * {now(withheld.LAST_SHOWN)} unless on () {state})"
    waits = now('stream:waits:bool{cause="after_load"}')
    last = (
        f'(label_replace({complete} and on () {waits}, "state", "complete; alerts wait for a load; as of", "", "")'
        f' or label_replace({complete} unless on () {waits}, "state", "complete, as of", "", ""))'
    )
    cause = f"topk(1, {now('stream:incomplete:partitions')})"
    for name, words in CAUSES.items():
        cause = f'label_replace({cause}, "cause", ": {words}", "cause", "{name}")'
    cause = f'label_replace({cause}, "cause", ": {SEEN_UNTIL}", "until", "(.+)")'
    since = f'label_replace({state}, "dated", ", since", "", "")'
    why = f"(1000 * {since} * on () group_left (cause) (0 * {cause} + 1 or on () group({state})))"
    return number(
        about,
        Query(f"{last}\nor {why}", "{{state}}{{cause}}{{dated}}"),
        size=size,
        names=True,
        empty="Prometheus knows nothing of this stream",
        coloured={"/^complete/": GOOD, f"/^{withheld.WITHHELD_STATE}/": BAD, f"/^{withheld.LOADING_STATE}/": CALM},
        board=STREAM,
    )


def quiet() -> str:
    """Return words in a label `what` while no alert fires, which say how many are pending; the value is 1."""
    pending = sentences.number(f"count({_PENDING})", "what", "nothing fires; $1 pending", step="1")
    nothing = f'label_replace(vector(1) unless on () {_PENDING}, "what", "nothing fires", "", "")'
    return f"({pending} or {nothing}) unless on () {FIRING}"


def firing(*, size: tuple[int, int] = (12, 3)) -> Placed:
    """Return how many alerts fire, and whether pages are among them."""
    about = About(
        "Alerts that fire",
        "How many alerts of Tenure fire now. A click leads to the board that names them, since when they fire, and"
        " what to do. *Pending* are those whose condition holds, and not yet for as long as they wait.\n\n"
        f"`count of {FIRING}`",
        COUNT,
    )
    pages = FIRING.replace("page|warn", "page")
    asked = (
        f'label_replace(count({FIRING}) and on () {pages}, "what", "with pages: look now", "", "")\n'
        f'or label_replace(count({FIRING}) unless on () {pages}, "what", "warnings, no pages", "", "")\n'
        f"or 0 * ({quiet()})"
    )
    coloured = {"/^with pages/": BAD, "/^warnings/": FAIR, "/^nothing/": NONE}
    return number(about, Query(asked, "{{what}}"), size=size, names=True, coloured=coloured, decimals=0, board=STREAM)


def losses(*, size: tuple[int, int] = (12, 6)) -> Placed:
    """Return the windows that miss events which somebody has given up."""
    about = of_metric(
        "Windows that miss events for good",
        LOSSES,
        "Events were lost, and somebody has accepted it: `tenure resume` says who, when and what. A window is here"
        " until it has left the loss behind.",
        COUNT,
        runbooks=("TenurePartitionHalted",),
    )
    nobody = f'label_replace(absent({queries.own(BUILD_INFO)}), "window", "no worker answers", "", "")'
    asked = f"max by (window) ({queries.own(LOSSES)}) > 0 or on () 0 / 0 * max by (window) ({nobody})"
    return number(
        about,
        Query(asked, "{{window}}"),
        steps=[(None, NONE), (1.0, BAD)],
        size=size,
        decimals=0,
        empty="nothing was given up",
        names=True,
        mappings=withheld_as("not known"),
    )


def first_line() -> list[Placed]:
    """Return the line that boards of KPIs begin with."""
    return [shown(), firing()]
