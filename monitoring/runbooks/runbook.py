"""A runbook: meaning, questions and actions of an alert."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runbook:
    """The hand-written part of a page.

    Attributes:
        short: One sentence for the list.
        means: What has happened, and whom it hurts.
        real: How to tell it from chance, from missing data and from a fault of ours.
        look: What to look at, each with a query of Prometheus or a command of tenure.
        do: Steps, the first one first.
    """

    short: str
    means: str
    real: str
    look: tuple[tuple[str, str], ...]
    do: tuple[str, ...]
