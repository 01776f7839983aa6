"""The measures of a cohort that tables show. Imports nothing: the help of commands names them."""

from enum import StrEnum


class CohortMeasure(StrEnum):
    """The measure of a cohort: customers, or the MRR that they paid at first, with growth (net) or without (gross)."""

    CUSTOMERS = "customers"
    NET = "mrr_net"
    GROSS = "mrr_gross"
