"""The committed dashboards as tests look at them: panels, and queries as Grafana would ask them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.monitoring.scenario import ROOT

FOLDER: Final = ROOT / "grafana" / "dashboards"
#: What Grafana puts in by itself.
BUILT_IN: Final = {"__rate_interval": "1m", "__interval_ms": "15000", "__interval": "15s"}
#: What stands for `All`, as the variables say themselves; and the choices that a fresh browser has.
CHOSEN: Final = {"job": ".+", "value": ".+", "type": ".+", "window": "30d", "lens": "standard", "dimension": "plan"}
#: The end of the range, as queries of now ask for it.
END: Final = "${__to:date:seconds}"
#: Of the range that ends there.
RANGE_SECONDS: Final = 7 * 86_400
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One query of a panel.

    Attributes:
        board: The uid of its dashboard.
        panel: The title of its panel.
        ref_id: Its letter.
        expr: PromQL with variables.
        instant: Whether it asks for one instant only.
    """

    board: str
    panel: str
    ref_id: str
    expr: str
    instant: bool

    @property
    def name(self) -> str:
        """Where it stands, for messages."""
        return f"{self.board} / {self.panel} / {self.ref_id}"


def boards() -> dict[str, Json]:
    """Return the committed dashboards by their uids."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    return {board["uid"]: board for board in found}


def panels(board: Json) -> list[Json]:
    """Return the panels of a dashboard that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: Json) -> Iterator[Asked]:
    """Yield the queries of a dashboard's panels."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield Asked(
                board["uid"], panel["title"], target["refId"], target["expr"], bool(target.get("instant", False))
            )


def variables_in(text: str) -> set[str]:
    """Return the names of the variables in a text, without Grafana's own."""
    text = text.replace(END, "")
    named = {name for pair in _VARIABLE.findall(text) for name in pair if name and not name.isdigit()}
    return {name for name in named if not name.startswith("__")}


def filled_in(text: str, *, end: float | None = None, **chosen: str) -> str:
    """Return a text with the values of its variables, as Grafana would ask; `chosen` overrides the usual ones.

    Args:
        text: PromQL.
        end: The end of the range, in seconds since 1970; of now if not said.
        chosen: Values by the names of variables.

    Raises:
        KeyError: It has a variable that no board has.
    """
    instant = time.time() if end is None else end
    limits = {"__from": f"{1000 * (instant - RANGE_SECONDS):.0f}", "__to": f"{1000 * instant:.0f}"}
    values = {**BUILT_IN, **limits, **CHOSEN, **chosen}

    def value_of(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return found[0] if name.isdigit() else values[name]

    return _VARIABLE.sub(value_of, text.replace(END, f"{instant:.0f}"))
