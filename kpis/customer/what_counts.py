"""The settings that decide whether a subscription makes its customer active."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.instants import DAY_MS


class WhatCounts(NamedTuple):
    """The settings `free_plans`, `paused_customers` and `trial_days`; docs/definitions.md, section "What counts"."""

    #: whether a subscription with an MRR of 0 counts
    free_plans: bool = False
    #: whether a paused one counts that would count were it not paused
    paused: bool = True
    #: how long after its first trial a customer has to have become active to be one who converted (days)
    trial_days: int = 37

    @property
    def trial_ms(self) -> int:
        """The same time in milliseconds."""
        return self.trial_days * DAY_MS


BY_DEFAULT: Final = WhatCounts()
