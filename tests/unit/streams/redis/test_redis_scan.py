"""Keys that Redis names twice are passed on once, in eight bytes a key."""

from __future__ import annotations

from random import Random

import pytest

from streams.redis import scan
from streams.redis.scan import Seen


@pytest.mark.parametrize("long", [100_000, 500])
async def test_each_key_is_passed_on_once_and_in_order(long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may name a key twice, in one answer or in two that lie far apart."""
    monkeypatch.setattr(scan, "_LONG", long)
    random = Random(7)
    seen, known = Seen(), set[bytes]()
    for _ in range(300):
        answer = [b"tenure:{0}:s:%d" % random.randrange(20_000) for _ in range(random.randrange(200))]
        expected = [key for key in dict.fromkeys(answer) if key not in known]
        assert await seen.fresh(answer) == expected
        known.update(expected)
    assert len(known) > 10_000


async def test_what_is_remembered_stays_small_and_in_few_pieces() -> None:
    """A scan of many customers may not take the worker's memory, nor become slower as it goes on."""
    seen = Seen()
    for n in range(400):
        await seen.fresh([b"%d" % key for key in range(100 * n, 100 * (n + 1))])
    assert sum(run.nbytes for run in seen._runs) == 8 * 40_000
    assert len(seen._runs) <= 16
