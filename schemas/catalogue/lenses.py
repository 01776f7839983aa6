"""The definitions of churn that reports set side by side. Imports nothing: the help of commands names them."""

from enum import StrEnum


class Lens(StrEnum):
    """A definition of churn, by whose it is."""

    STANDARD = "standard"
    STRIPE = "stripe"
    BAREMETRICS = "baremetrics"
    PROFITWELL = "profitwell"

    @property
    def ratio(self) -> str:
        """The name of its ratio."""
        return f"churn_{self.value}"
