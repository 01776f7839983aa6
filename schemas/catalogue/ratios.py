"""The ratios of the KPI catalogue, in the order of the reports.

Declarations only; what a ratio is and how it is evaluated stands in `schemas.catalogue.formulas`. Definitions:
docs/definitions.md, section Ratios.
"""

from typing import Final

from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Ratio, sum_of
from schemas.catalogue.lenses import Lens

RETENTION_ARTICLE: Final = "retention and expansion article"
KPI_ARTICLE: Final = "retention KPIs article"


AT_START: Final = sum_of("customers_at_start")

RATIOS: Final = (
    Ratio(
        name="arpa",
        path=("arpa",),
        kind="stock",
        numerator=sum_of("mrr"),
        denominator=sum_of("customers_active"),
        unit="minor units per customer",
        highest=None,
        title="Average revenue per account",
        meaning="Monthly recurring revenue per active customer.",
        why="Puts a price on each customer that is won or lost.",
    ),
    Ratio(
        name="retention",
        path=("retention",),
        numerator=sum_of("customers_retained"),
        denominator=AT_START,
        title="Customer retention",
        meaning="The share of the customers at the start of the window who are customers at its end.",
        why=(
            "The article's formula: customers at the end less the new ones, over those at the start. With “new” read as"
            " *at the end but not at the start* it is exactly this ratio. By the same article more than 80 % is the"
            " standard of most SaaS companies and 90 % and more the best; both lines mean a year's retention."
        ),
        article=RETENTION_ARTICLE,
        is_proportion=True,
    ),
    Ratio(
        name=Lens.STANDARD.ratio,
        path=("churn", Lens.STANDARD.value),
        numerator=sum_of("customers_lost"),
        denominator=AT_START,
        title="Customer churn, standard lens",
        meaning="The share of the customers at the start of the window who are no customers at its end; 1 − retention.",
        why="The article asks for monthly and annual churn. This is the definition that ChartMogul uses.",
        article=KPI_ARTICLE,
        is_proportion=True,
        higher_is_better=False,
    ),
    Ratio(
        name=Lens.STRIPE.ratio,
        path=("churn", Lens.STRIPE.value),
        numerator=sum_of("cancellations"),
        denominator=sum_of("customers_at_start", "customers_new"),
        highest=None,
        title="Customer churn, Stripe's lens",
        meaning="Cancellations over the customers at the start and those who were new in the window.",
        why="Stripe Billing's definition, for comparing with its reports. Who returns can churn twice.",
        article=KPI_ARTICLE,
        higher_is_better=False,
    ),
    Ratio(
        name=Lens.BAREMETRICS.ratio,
        path=("churn", Lens.BAREMETRICS.value),
        numerator=sum_of("cancellations"),
        denominator=AT_START,
        highest=None,
        title="Customer churn, Baremetrics' lens",
        meaning="Cancellations over the customers at the start.",
        why="Baremetrics' definition. Those who joined and left inside the window count above the line only.",
        article=KPI_ARTICLE,
        higher_is_better=False,
    ),
    Ratio(
        name=Lens.PROFITWELL.ratio,
        path=("churn", Lens.PROFITWELL.value),
        numerator=sum_of("cancellations", "-cancellations_of_new"),
        denominator=AT_START,
        highest=None,
        title="Customer churn, ProfitWell's lens",
        meaning="Cancellations by customers of the start, over the customers at the start.",
        why="ProfitWell's treatment: who joins and leaves in the same period is left out.",
        article=KPI_ARTICLE,
        higher_is_better=False,
    ),
    Ratio(
        name="dropoff_7d",
        path=("dropoff_7d",),
        numerator=sum_of("dropoff_cancelled"),
        denominator=sum_of("dropoff_matured"),
        title="7-day drop-off",
        meaning="Of the first signups whose seventh day ended in the window, the share with nothing open then.",
        why="The article asks for the customers who are lost after seven days.",
        article=KPI_ARTICLE,
        is_proportion=True,
        higher_is_better=False,
    ),
    Ratio(
        name="dropoff_silent_7d",
        path=("dropoff_silent_7d",),
        numerator=sum_of("dropoff_silent"),
        denominator=sum_of("dropoff_silent_matured"),
        title="7-day silent drop-off",
        meaning="Of the first signups still open after seven days, the share that is not heard of in the next seven.",
        why="The article asks for the customers' behaviour after seven days of use. Silence comes before the cancel.",
        article=KPI_ARTICLE,
        is_proportion=True,
        higher_is_better=False,
    ),
    Ratio(
        name="onboarding",
        path=("onboarding",),
        numerator=sum_of("onboarding_completed"),
        denominator=sum_of("onboarding_matured"),
        title="Onboarding rate",
        meaning="Of the first signups whose seventh day ended in the window, the share that completed the onboarding.",
        why="The article names the onboarding rate among its examples of KPIs.",
        article=KPI_ARTICLE,
        is_proportion=True,
    ),
    Ratio(
        name="engagement",
        path=("engagement",),
        numerator=sum_of("customers_engaged"),
        denominator=sum_of("customers_active"),
        title="Engagement",
        meaning="The share of the active customers who used the product or answered a survey in the window.",
        why="The article names customer engagement. Stickiness is the engaged of one day over those of thirty.",
        article=KPI_ARTICLE,
        is_proportion=True,
    ),
    Ratio(
        name="trial_conversion",
        path=("trial_conversion",),
        numerator=sum_of("trials_converted"),
        denominator=sum_of("trials_matured"),
        title="Trial conversion",
        meaning="Of the first trials whose time to convert ended in the window, the share that led to a customer.",
        why="The articles ask for signups, onboarding and growth; a trial is where all three begin.",
        article=KPI_ARTICLE,
        is_proportion=True,
    ),
    Ratio(
        name="cross_sell",
        path=("cross_sell",),
        numerator=sum_of("customers_with_several"),
        denominator=sum_of("customers_active"),
        title="Cross-sell",
        meaning="The share of the customers active at T who have two or more subscriptions that count.",
        why="The article names cross-selling beside upgrades as a way to expand.",
        article=RETENTION_ARTICLE,
    ),
    Ratio(
        name="renewal",
        path=("renewal",),
        numerator=sum_of("renewals_renewed"),
        denominator=sum_of("renewals_renewed", "renewals_declined", "renewals_failed"),
        title="Renewal rate",
        meaning="The share of the terms that ended in the window and were renewed.",
        why="The article asks for the monthly renewal rate.",
        article=KPI_ARTICLE,
        is_proportion=True,
    ),
    Ratio(
        name="expansion",
        path=("expansion",),
        numerator=sum_of("upgrades"),
        denominator=AT_START,
        highest=None,
        title="Expansion rate",
        meaning="Upgrades in the window per customer at its start; one customer may upgrade more than once.",
        why="The article defines expansion as convincing customers to upgrade their plans.",
        article=RETENTION_ARTICLE,
    ),
    Ratio(
        name="gross_revenue_retention",
        path=("gross_revenue_retention",),
        numerator=sum_of("mrr_retained_gross"),
        denominator=sum_of("mrr_at_start"),
        title="Gross revenue retention",
        meaning="The share of the MRR at the start that is still there at the end, growth left aside.",
        why="The article ties retention to recurring revenue; this is the loss without what upgrades make up for.",
        article=RETENTION_ARTICLE,
    ),
    Ratio(
        name="net_revenue_retention",
        path=("net_revenue_retention",),
        numerator=sum_of("mrr_retained_net"),
        denominator=sum_of("mrr_at_start"),
        highest=None,
        title="Net revenue retention",
        meaning="The MRR at the end of those who were customers at the start and still are, over the MRR at the start.",
        why="The article's expansion in money: above 1, those who stay pay more than all did before.",
        article=RETENTION_ARTICLE,
    ),
    Ratio(
        name="quick_ratio",
        path=("quick_ratio",),
        numerator=sum_of("mrr_new", "mrr_expansion", "mrr_reactivated"),
        denominator=sum_of("mrr_contraction", "mrr_churned"),
        highest=None,
        title="Quick ratio",
        meaning="MRR won in the window over MRR lost in it.",
        why="Growth against loss: the article's reason why keeping customers is cheaper than winning them.",
        article=RETENTION_ARTICLE,
    ),
    Ratio(
        name="nps",
        path=("nps",),
        numerator=sum_of("nps_promoters", "-nps_detractors"),
        denominator=sum_of("nps_promoters", "nps_passives", "nps_detractors"),
        lowest=-1.0,
        title="Net promoter score",
        meaning="Promoters less detractors over all NPS answers of the window; shown from −100 to 100.",
        why="The article asks how likely customers are to recommend the product.",
        article=KPI_ARTICLE,
    ),
    Ratio(
        name="csat",
        path=("csat",),
        numerator=sum_of("csat_satisfied"),
        denominator=sum_of("csat_answered"),
        title="Customer satisfaction",
        meaning="The share of the CSAT answers of the window that are 4 or 5 of 5.",
        why="The article builds on customers' feedback.",
        article=KPI_ARTICLE,
    ),
    Ratio(
        name="survey_response",
        path=("survey_response",),
        numerator=sum_of("survey_answered"),
        denominator=sum_of("survey_sent"),
        highest=None,
        title="Survey response rate",
        meaning="Surveys answered in the window over those sent in it; an answer may be to an earlier window's survey.",
        why="The article asks for surveys to be collected and for ways to get more answers.",
        article=KPI_ARTICLE,
    ),
)
WINDOW_RATIOS: Final = tuple(ratio for ratio in RATIOS if ratio.kind == "window")
STOCK_RATIOS: Final = tuple(ratio for ratio in RATIOS if ratio.kind == "stock")
RATIO_BY_NAME: Final = {ratio.name: ratio for ratio in RATIOS}


def has_windows(ratio: Ratio) -> bool:
    """Return whether a ratio differs from window to window: one of stocks alone is in each what it is as of T."""
    return any(COUNT_BY_NAME[name].kind == "window" for name in ratio.counts)
