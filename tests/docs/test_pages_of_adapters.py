"""Pages of adapters list what the code knows: columns with their names, usual events, and every option."""

import re

import msgspec
import pytest

from schemas.adapters.columns import ROLES, normal_name
from schemas.adapters.confluent import ConfluentOptions
from schemas.adapters.debezium import DebeziumOptions
from schemas.adapters.segment import USUAL_EVENTS, SegmentOptions
from schemas.adapters.subscription_rows import RowOptions
from schemas.adapters.table import TableOptions
from tests.docs.pages import text_of

OPTIONS: dict[str, tuple[type[msgspec.Struct], type[msgspec.Struct] | None]] = {
    "confluent": (ConfluentOptions, None),
    "debezium": (DebeziumOptions, RowOptions),
    "segment": (SegmentOptions, None),
    "table": (TableOptions, None),
}


def rows_of(page: str, section: str) -> list[list[str]]:
    """Return the rows of the tables of a section, with their cells."""
    text = text_of(page).split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows if not row[0].startswith((" ---", "---"))]


def names_in(cell: str) -> list[str]:
    """Return what a cell has in code."""
    return re.findall(r"`([^`]+)`", cell)


def test_page_of_tables_lists_each_column_under_each_of_its_names_in_their_order() -> None:
    """Whoever prepares an export goes by the list, and of two columns the first in it is read."""
    listed = {names_in(row[0])[0]: tuple(names_in(row[1])) for row in rows_of("docs/adapters/table.md", "Columns")[1:]}
    assert listed == dict(ROLES)


@pytest.mark.parametrize("adapter", OPTIONS)
def test_page_of_an_adapter_lists_its_options_and_no_others(adapter: str) -> None:
    """An option that is on no page is set by nobody, and one that there is not is refused."""
    struct, explained_elsewhere = OPTIONS[adapter]
    elsewhere = set() if explained_elsewhere is None else set(_options_of(explained_elsewhere))
    listed = {name for row in rows_of(f"docs/adapters/{adapter}.md", "Options")[1:] for name in names_in(row[0])}
    assert listed == set(_options_of(struct)) - elsewhere


def test_page_of_segment_lists_the_usual_events() -> None:
    """A company whose events have these names needs no list of its own."""
    rows = rows_of("docs/adapters/segment.md", "What each record becomes")
    others = {"any other", "`track` of", "other records"}
    cells = [row[0] for row in rows if row[0] not in others and "`" not in row[0] and "anonymous" not in row[0]]
    listed = {normal_name(name).replace("_", " ") for cell in cells for name in re.split(r"[,;] ", cell)}
    assert listed == set(USUAL_EVENTS)


def _options_of(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(struct))
