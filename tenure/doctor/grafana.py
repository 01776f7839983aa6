"""Diagnosis of Grafana: whether it answers, and has the boards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from schemas.wording import counted
from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.doctor.web import NoAnswer, Web

AREA: Final = "grafana"
TAG: Final = "tenure"


class _Board(msgspec.Struct):
    uid: str


async def grafana_findings(web: Web) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of a Grafana; nothing but a fault where it does not answer."""
    try:
        await web.get("/api/health", dict)
        boards = await web.get("/api/search", list[_Board], tag=TAG, type="dash-db")
        for board in boards:
            await web.get(f"/api/dashboards/uid/{board.uid}", dict)
    except NoAnswer as silence:
        yield fault(AREA, str(silence), "start Grafana, or name its address, with user and password, with --grafana")
        return
    if boards:
        yield ok(AREA, f"{web.url} answers and shows {counted(len(boards), 'boards')}")
    else:
        yield warning(AREA, f"{web.url} has no board with the tag {TAG}", "provision grafana/dashboards")
