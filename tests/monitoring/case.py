"""One alert in one situation: whether it fires, and why it should or should not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.monitoring.scenario import Firing, Scenario


@dataclass(frozen=True)
class Case:
    """A situation.

    Attributes:
        alert: Its name.
        severity: Which of its severities is asked for.
        why: The situation, in a few words.
        build: Makes the scenario.
        at: When it is asked, in steps of the scenario's interval.
        labels: That the firing alert must have among others.
    """

    alert: str
    severity: str
    why: str
    build: Callable[[], Scenario]
    at: int = 5
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.alert}, {self.severity}: {self.why}"

    def found(self) -> list[Firing]:
        """Return the alerts that were asked for and fire, as promtool finds them."""
        wanted = {"severity": self.severity, **dict(self.labels)}
        firing = self.build().firing(self.alert, self.at)
        return [alert for alert in firing if wanted.items() <= alert.labels.items()]


def flaws_of(alert: Firing) -> list[str]:
    """Return what is wrong with the texts of an alert: templates that failed, numbers that were not found."""
    texts = "\n".join(alert.annotations.values()).replace("KPIs are unknown, not falling", "")
    return [flaw for flaw in ("<error", "<no value>", "unknown", "%!", "NaN", "{{", "Inf") if flaw in texts]
