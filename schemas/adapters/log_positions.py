"""Positions of changes in the log of a database, as integers that grow: what orders two changes of one instant.

Source: Debezium, `source` block of change events of the connectors for PostgreSQL, MySQL, MariaDB, SQL Server and
Oracle.
"""

import re
from typing import Final

from schemas.adapters.reading import Node

#: The half of the integers that a `sequence` may be which is above 0.
POSITION_MAX: Final = 2**62 - 1
_FILE: Final = re.compile(r".*?(\d{1,9})", re.ASCII | re.DOTALL)
_SQL_SERVER: Final = re.compile(r"([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,4})")
_DIGITS: Final = re.compile(r"\d{1,18}", re.ASCII)
_ORDERS: Final = 2**16


def position_of(source: Node, transaction: Node | None, at_ms: int) -> int:
    """Return where a change stands in its database's log, from 0; without a position its time and place decide.

    Args:
        source: The change's `source`.
        transaction: Its `transaction`, where the connector provides one.
        at_ms: Its time (ms since 1970).
    """
    position = _of_file(source)
    if position is None:
        position = _of_sql_server(source)
    for name in ("lsn", "scn", "commit_scn"):
        if position is None:
            position = _integer(source, name)
    if position is None:
        order = 0 if transaction is None else transaction.optional_integer("total_order") or 0
        position = at_ms * _ORDERS + max(0, min(order, _ORDERS - 1))
    return max(0, min(position, POSITION_MAX))


def _of_file(source: Node) -> int | None:
    """Return a position of MySQL: number of the file, byte in it, row of the event."""
    name = source.get("file")
    file = _FILE.fullmatch(name) if isinstance(name, str) and len(name) < 256 else None
    if file is None:
        return None
    byte, row = source.optional_integer("pos") or 0, source.optional_integer("row") or 0
    return (int(file[1]) << 42) + (max(0, min(byte, 2**32 - 1)) << 10) + max(0, min(row, 2**10 - 1))


def _of_sql_server(source: Node) -> int | None:
    text = source.get("change_lsn") or source.get("commit_lsn")
    found = _SQL_SERVER.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    file, block, slot = (int(part, 16) for part in found.groups())
    return ((file & 0x3FFFF) << 44) + ((block & 0xFFFFFFF) << 16) + slot


def _integer(source: Node, name: str) -> int | None:
    found = source.get(name)
    if isinstance(found, str) and _DIGITS.fullmatch(found):
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
