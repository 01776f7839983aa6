"""The layout of a stored state: its members in order, an array of MessagePack."""

from __future__ import annotations

import msgspec

from kpis.customer.facts import Rare


class Customer(msgspec.Struct, array_like=True, gc=False):
    """Facts (from `life` on) and their cache; times in ms, -1: none."""

    is_open: bool = False  # after all facts
    active: bool = False  # likewise
    plan: int = 0  # likewise
    profile: int = 0  # of the first signup
    first_plan: int = 0  # likewise
    first_at: int = -1  # likewise
    last_at: int = -1  # last fact of the timeline
    feedback_at: int = -1  # last survey or renewal
    engaged_bucket: int = -1  # last bucket with activity or an answered survey
    active_bucket: int = -1  # last bucket with activity
    facts: int = 0
    life: bytes = b""  # facts, each as msgpack, in the order of the timeline
    feedback: bytes = b""  # surveys and renewals, FEEDBACK_SIZE bytes each, in order of arrival
    acts: bytes = b""  # buckets with activity: gaps in base 128
    used: str = ""  # features of all those buckets but the last, see `kpis.customer.features`
    recent: str = ""  # features of the last one
    runs: tuple[int, ...] = ()  # first and last instant of each run of activity, ms; between them seven days without
    onboarded: tuple[int, ...] = ()  # completions, ms, thinned
    rare: Rare | None = None
    touchpoints: tuple[bytes, ...] = ()  # contacts, tickets, referrals, exposures, each as msgpack, as they arrived
