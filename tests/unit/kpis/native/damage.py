"""Folds events into damaged states natively, and reads damaged records: whatever lies there, memory is kept whole.

Counters of all sizes are kept natively beside it, and any rows summed.

Run by itself, under sanitizers: `python -m tests.unit.kpis.native.damage COUNT [FOLDER]`; see test_sanitizers.py.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

#: how an event comes about: what follows its customer
LINES = (
    "signup basic 500",
    "signup pro 0 country=DE",
    "upgrade pro 30",
    "downgrade basic 1 subscription_id=" + "s" * 100,
    "cancel reason=price",
    "survey kind=nps score=9",
    "survey kind=csat status=sent",
    "renewal outcome=failed",
    "activity feature=export",
    "activity",
)

#: what stands before a value, of each kind that says how long it is
KINDS = (0, 0x7F, 0x80, 0x9F, 0xC0, 0xC4, 0xC6, 0xCF, 0xD3, 0xDB, 0xDD, 0xFF)


def load(folder: Path) -> None:
    """Let `kpis.native` find another build of what is compiled."""
    for name in ("batch", "cells", "states", "usual"):
        path = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
        spec = importlib.util.spec_from_file_location(f"kpis.native.{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"kpis.native.{name}"] = module
        spec.loader.exec_module(module)


def damaged(state: bytes, rng: random.Random) -> bytes:
    """Return a state with some bytes changed, taken out, doubled or cut off."""
    out = bytearray(state)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out)) if out else 0
        way = rng.randrange(5)
        if way == 0 and out:
            out[at] = rng.choice((*KINDS, rng.randrange(256)))
        elif way == 1:
            del out[at : at + rng.randint(1, 9)]
        elif way == 2:
            out[at:at] = out[at : at + rng.randint(1, 9)]
        elif way == 3:
            del out[at:]
        else:
            out[at:at] = rng.randbytes(rng.randint(1, 9))
    return bytes(out)


def outcomes(count: int, seed: int = 1) -> Iterator[bool]:
    """Yield, for so many damaged states, whether the next event was folded natively all the same."""
    from kpis.customer.what_counts import BY_DEFAULT  # noqa: PLC0415
    from kpis.fold.context import FoldContext  # noqa: PLC0415 - once what is compiled was chosen
    from kpis.names import Names  # noqa: PLC0415
    from kpis.native.usual import UsualEvents  # noqa: PLC0415
    from schemas.decoding.decoder import Decoder  # noqa: PLC0415
    from tests.property.folding import LATEST_MS, Line  # noqa: PLC0415
    from tests.unit.kpis.customers import records_of  # noqa: PLC0415

    rng = random.Random(seed)
    names = Names()
    context = FoldContext(names, bucket_ms=3_600_000, what=BY_DEFAULT, max_facts=64, short_cuts=True)
    usual = UsualEvents(context)
    decoder = Decoder(latest_ms=LATEST_MS)
    lines = [f"{n * 13} {rng.choice(LINES)}" for n in range(400)]
    decoded = decoder.decode([Line(each) for each in records_of(lines)])
    assert not decoded.refused
    sound: list[bytes] = []
    states: dict[str, bytes] = {}
    for start in range(0, 320, 8):
        part = slice(start, start + 8)
        usual.begin(list(decoded.events[part]), decoded.times[part], states, {}, [rng.randrange(1 << 40)] * 8)
        usual.go_on(0, 1_000)
        sound += states.values()
        if start % 80 == 0:
            states = {}
    for _ in range(count):
        n = rng.randrange(320, 400)
        states = {"c": damaged(rng.choice(sound), rng)}
        usual.begin([decoded.events[n]], [decoded.times[n]], states, {}, [5])
        usual.go_on(0, 1 << 40)
        yield not usual.left
        usual.take_rows()


def events_read(count: int, seed: int = 1) -> Iterator[int]:
    """Yield, for so many damaged record batches, how many of their events were read natively all the same."""
    from kpis.fold.reading import BatchReader, PackedDecoded  # noqa: PLC0415 - once what is compiled was chosen
    from kpis.native.batch import PackedRecords  # noqa: PLC0415
    from schemas.decoding.decoder import Decoder  # noqa: PLC0415
    from streams.records import NO_HEADERS, Record  # noqa: PLC0415
    from tests.property.folding import LATEST_MS  # noqa: PLC0415
    from tests.property.steps import at_once  # noqa: PLC0415
    from tests.unit.kpis.customers import records_of  # noqa: PLC0415
    from tests.unit.streams.kafka.wire import body_of  # noqa: PLC0415

    rng = random.Random(seed)
    reader = BatchReader(Decoder(latest_ms=LATEST_MS))
    sound = records_of([f"{n * 13} {rng.choice(LINES)}" for n in range(100)])
    for _ in range(count):
        values = [rng.choice(sound) if rng.random() < 0.5 else damaged(rng.choice(sound), rng) for _ in range(3)]
        body = body_of([Record("t", 0, n, 5, b"c", value, NO_HEADERS) for n, value in enumerate(values)])
        body = body if rng.random() < 0.5 else damaged(body, rng)
        found = PackedRecords.parsed(
            Record, "t", 0, body, 3, base_offset=rng.randrange(9), first_timestamp=0, timestamp=None
        )
        if found is None:
            yield 0
            continue
        decoded = at_once(reader.read_in_steps(found))
        assert isinstance(decoded, PackedDecoded)
        count = len(decoded.batch.places()[0])
        assert len(decoded.customers()) <= count == decoded.feeds().total()
        yield decoded.batch.read_natively()


def states_kept(count: int, seed: int = 1) -> int:
    """Do so many things with a table of states, and return of how many customers it then has one."""
    from kpis.native.states import StateTable  # noqa: PLC0415 - once what is compiled was chosen

    rng = random.Random(seed)
    table = StateTable(300)
    entries: list[Any] = []
    for _ in range(count):
        for _ in range(rng.randrange(1, 8)):
            name = f"{rng.choice(('', 'ä', 'long' * 50))}{rng.randrange(1_000)}"
            if rng.random() < 0.3:
                table.put(name, rng.randbytes(rng.randrange(40)))
            elif rng.random() < 0.5:
                table[name] = rng.randbytes(rng.randrange(400))
            else:
                table.get(name)
        changed = table.take_changed()
        if not entries:
            table.remove(["nobody", *changed])
        assert msgspec.msgpack.decode(changed.packed()) == dict(changed)
        assert len(changed.setting(b"s:", 3)) == (len(changed) + 2) // 3
        entries.append(table.log(changed))
        if len(entries) > rng.randrange(20):
            assert all(table[name] == state for name, state in table.unlog(entries).items())
            entries.clear()
        table.let_go()
    return len(table)


def cells_kept(count: int, seed: int = 1) -> int:
    """Return how many cells there are after so many changes of counters, each looked up, packed and summed natively."""
    import numpy as np  # noqa: PLC0415 - once what is compiled was chosen

    from kpis.counting.windows import Windows  # noqa: PLC0415
    from kpis.native.cells import CellSpans, add_before  # noqa: PLC0415

    rng = random.Random(seed)
    windows, values = Windows(), np.array([[rng.randrange(1 << 16) for _ in range(5)]], np.int64)
    cells, truth = CellSpans(), dict[int, int]()
    for _ in range(count):
        keys = [
            rng.randrange(300) << 36 | rng.randrange(rng.choice((9, 300, 1 << 30))) for _ in range(rng.randrange(30))
        ]
        amounts = [rng.choice((1, -1)) * ((1 << rng.choice((0, 7, 8, 15, 31, 63))) - 1) for _ in keys]
        keys = keys if rng.random() < 0.3 else sorted(keys)
        cells.update(np.array(keys, np.int64), np.array(amounts, np.int64))
        truth |= dict(zip(keys, amounts, strict=True))
        found, known = np.empty(len(keys), np.int64), np.empty(len(keys), np.uint8)
        cells.look_up(np.array(keys, np.int64), found, known)
        assert found.tolist() == [truth[key] for key in keys]
        cells.packed(np.array([rng.randrange(1 << 36) for _ in range(3)] + [key >> 8 for key in keys], np.int64))
        rows = [
            [rng.randrange(90), 1, rng.randrange(6), rng.randrange(1 << 20), rng.randrange(1 << 20), 1, -1]
            for _ in range(9)
        ]
        with windows.row_sums() as sums:
            if sums.add(np.array(rows, np.int64), values):
                sums.take()
        edges = np.array(sorted(rng.randrange(1 << 24) for _ in range(rng.randrange(4))), np.int64)
        places = np.array([rng.randrange(-1, 4) for _ in range(3)], np.int64)
        with contextlib.suppress(IndexError):
            some = np.array(sorted(rng.getrandbits(38) & ~(0xFF0 << 24) for _ in range(9)), np.int64)
            add_before(some, some, 0, places, edges, np.zeros((16, 3, len(edges)), np.int64))
    copy = cells.copy()
    keys_there, amounts_there = copy.cells(copy.all_spans())
    assert dict(zip(keys_there.tolist(), amounts_there.tolist(), strict=True)) == truth
    return len(cells)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        load(Path(sys.argv[2]))
        assert Path(sys.modules["kpis.native.usual"].__file__ or "").parent.samefile(sys.argv[2])
    folded = sum(outcomes(int(sys.argv[1])))
    read = sum(events_read(int(sys.argv[1]) // 4))
    assert states_kept(int(sys.argv[1]) // 20) > 100
    kept = cells_kept(int(sys.argv[1]) // 20)
    print(f"{folded} of {sys.argv[1]} folded, {kept} kept, {read} read")  # noqa: T201
