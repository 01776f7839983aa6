"""Files of records of another system: what is a record, which events it says, and what is told of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.adapters.registry import adapter_of
from schemas.decoding.adapted import HEADER_ADAPTER, HEADER_REFUSED
from schemas.refusals import Reason
from streams.errors import InputError
from tenure.cli import app
from tenure.files import translation
from tenure.files.json_documents import records_in
from tenure.files.notation import Notation
from tenure.files.reader import EventFile
from tenure.files.tables import FileRecord

OF_STRIPE = Notation(adapter=adapter_of("stripe"))
STARTS_AT = 1_767_607_200
REFUSED_MEMBER = "data.object.customer"


def stripe_event(number: int, kind: str = "customer.subscription.created", **members: Any) -> dict[str, Any]:
    """Return an event of Stripe about a subscription of its own."""
    price = {
        "id": "price_pro",
        "unit_amount": 4900,
        "currency": "usd",
        "recurring": {"interval": "month", "interval_count": 1},
    }
    subscription = {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": f"cus_{number}",
        "items": {"object": "list", "data": [{"quantity": 1, "price": price}]},
        **members,
    }
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": kind,
        "created": STARTS_AT + number,
        "livemode": True,
        "data": {"object": subscription},
    }


RECORDS = [stripe_event(1), stripe_event(2, "invoice.created"), stripe_event(3), stripe_event(4, customer=None)]
PAGE = {"object": "list", "data": RECORDS, "has_more": False}
SHAPES = {
    "lines": "\n".join(json.dumps(record) for record in RECORDS),
    "array": json.dumps(RECORDS),
    "array-over-lines": json.dumps(RECORDS, indent=2),
    "objects-over-lines": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "page": json.dumps(PAGE),
    "page-over-lines": json.dumps(PAGE, indent=2),
    "pages-over-lines": "\n".join(
        json.dumps({**PAGE, "data": part}, indent=1) for part in (RECORDS[:1], RECORDS[1:], [])
    ),
    "byte-order-mark": "\ufeff" + json.dumps(PAGE, indent=2),
}


def write(tmp_path: Path, text: str, name: str = "export.json") -> Path:
    """Return a file of a text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_export_is_read_in_whatever_shape_it_comes(tmp_path: Path, shape: str) -> None:
    """APIs give pages, their command lines indent them, and archives have a record in each line."""
    file = EventFile(str(write(tmp_path, SHAPES[shape])), OF_STRIPE)
    *events, last = file.records()
    assert [json.loads(event.value)["customer_id"] for event in events] == ["cus_1", "cus_3"]
    assert json.loads(last.value)["id"] == "evt_4"
    assert dict(last.headers)[HEADER_ADAPTER] == b"stripe"
    assert dict(last.headers)[HEADER_REFUSED].decode() == f"missing_member stripe: {REFUSED_MEMBER}: is required"
    assert file.translator is not None
    told = file.translator.document()
    assert (told.records, told.events, told.ignored) == (4, 2, {"invoice.created": 1})
    assert told.refused == {Reason.MISSING_MEMBER.value: 1}


def test_file_that_is_read_again_is_counted_once(tmp_path: Path) -> None:
    """Otherwise whoever looks twice is told twice as much."""
    file = EventFile(str(write(tmp_path, SHAPES["lines"])), OF_STRIPE)
    for _ in range(2):
        list(file.records())
    assert file.translator is not None
    assert file.translator.records == len(RECORDS)


def test_line_that_is_no_json_costs_itself_alone(tmp_path: Path) -> None:
    """An archive of a year has a torn line somewhere."""
    torn = json.dumps(RECORDS[0])[:80]
    text = "\n".join((json.dumps(RECORDS[0]), torn, json.dumps(RECORDS[2])))
    found = list(EventFile(str(write(tmp_path, text)), OF_STRIPE).records())
    assert [(record.number, bool(record.headers)) for record in found] == [(1, False), (2, True), (3, False)]


@pytest.mark.parametrize("end", [-1, -40, 200], ids=["last-bracket", "within-a-record", "within-the-first"])
def test_export_that_is_cut_off_is_said_to_be(tmp_path: Path, end: int) -> None:
    """Half of an export would count half of the customers."""
    path = write(tmp_path, SHAPES["page-over-lines"][:end])
    with pytest.raises(InputError, match="cut off within a JSON object"):
        list(EventFile(str(path), OF_STRIPE).records())


def test_export_with_a_bracket_too_many_is_said_to_be_wrong(tmp_path: Path) -> None:
    """What follows it cannot be told apart."""
    path = write(tmp_path, f"{SHAPES['page-over-lines']}\n]\n{{}}")
    with pytest.raises(InputError, match="a bracket closes what was never opened"):
        list(EventFile(str(path), OF_STRIPE).records())


@pytest.mark.parametrize("shape", SHAPES)
def test_records_of_another_system_are_recognised_where_events_are_expected(tmp_path: Path, shape: str) -> None:
    """A page of zeros, or fifty dead letters, is no answer to a word that was left out."""
    path = write(tmp_path, SHAPES[shape])
    with pytest.raises(InputError, match="these are records of stripe, not events of tenure; say --as stripe"):
        list(EventFile(str(path)).records())


@pytest.mark.parametrize(
    "value",
    [
        b'{"id":"e","type":"signup","customer_id":"c","data":[]}',
        b'{"object":"event","id":"evt_1","data":{"object":{}}}',
        b'{"name":"x"}',
        b"[]",
        b'{"data":',
        b"\xff",
    ],
    ids=["event", "object-inside", "neither", "array", "torn", "not-text"],
)
def test_what_is_no_page_is_one_record(value: bytes) -> None:
    """What a record is made of is its adapter's affair."""
    assert records_in(value) == [value]


def test_kinds_beyond_the_limit_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names come from the file, and a file may have a million of them."""
    monkeypatch.setattr(translation, "KINDS_KEPT", 2)
    translator = translation.FileTranslator(adapter_of("stripe"))
    for kind in ("a", "b", "c", "d", "a"):
        assert not list(translator.translated(FileRecord(1, json.dumps(stripe_event(1, kind)).encode())))
    assert translator.ignored == {"a": 2, "other": 2, "b": 1}


def run(*arguments: str) -> Any:
    """Run the command in this process."""
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.usefixtures("nothing_set")
def test_replay_tells_what_became_of_each_record(tmp_path: Path) -> None:
    """Whoever brings an archive wants to know what is not in the numbers, and why."""
    path = str(write(tmp_path, SHAPES["lines"]))
    result = run("replay", "--as", "stripe", path, "--at", "2026-02-01", "--json")
    assert result.exit_code == 1
    (report,) = json.loads(result.stdout)
    assert report["totals"]["customers_active"] == 2
    assert report["translation"] == {
        "adapter": "stripe",
        "records": 4,
        "events": 2,
        "ignored": {"invoice.created": 1},
        "refused": {"missing_member": 1},
    }
    assert result.stderr == (
        f"{path}: 4 records of stripe: 2 events, 1 ignored, 1 not understood\n"
        f"{path}: 2 applied, 1 refused\n"
        f"refused, missing_member, stripe, {REFUSED_MEMBER}: 1\n"
        f"  line 4: evt_4 (customer.subscription.created): stripe: {REFUSED_MEMBER}: is required\n"
        "ignored, invoice.created: 1\n"
        "tenure: 1 of 3 events was refused; see above\n"
    )


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    ("record", "status", "said"),
    [(RECORDS[1], 1, "1 record of stripe: 1 ignored"), (RECORDS[3], 1, "1 record of stripe: 1 not understood")],
    ids=["ignored", "refused"],
)
def test_file_in_which_nothing_counts_prints_no_page_of_zeros(
    tmp_path: Path, record: dict[str, Any], status: int, said: str
) -> None:
    """Zeros look like an answer, and success like an import that is done."""
    path = str(write(tmp_path, json.dumps(record)))
    result = run("replay", "--as", "stripe", path)
    assert (result.exit_code, result.stdout) == (status, "")
    assert f"{path}: nothing in it is counted; there are no numbers to print\n" in result.stderr
    assert said in result.stderr


@pytest.mark.usefixtures("nothing_set")
def test_file_of_another_table_than_the_options_name_is_no_success(tmp_path: Path) -> None:
    """A table that is misspelt in the options leaves nothing of a file; the message names both of them."""
    source = {"table": "subscriptions", "schema": "public", "ts_ms": 1_767_600_000_000, "lsn": 1}
    path = str(write(tmp_path, json.dumps({"op": "c", "after": {"id": 1}, "source": source})))
    options = str(write(tmp_path, '[debezium]\ntable = "public.subscription"\n', "map.toml"))
    result = run("replay", "--as", "debezium", "--map", options, path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert run("validate", "--as", "debezium", "--map", options, path).exit_code == 1
    assert result.stderr.endswith(
        "ignored, of the table subscriptions, not public.subscription: 1\n"
        "tenure: 1 record of debezium: all ignored, and no event in them; 1 of the table subscriptions, "
        "not public.subscription\n"
    )


@pytest.mark.usefixtures("nothing_set")
def test_every_command_with_a_file_reads_records_of_another_system(tmp_path: Path) -> None:
    """Explanations and cohorts of an archive are as near as its numbers."""
    path = str(write(tmp_path, SHAPES["page-over-lines"]))
    for command in ("cohorts", "lifetime", "lenses", "reasons", "features"):
        result = run(command, "--file", path, "--as", "stripe", "--at", "2026-02-01", "--json")
        assert result.exit_code == 0, result.stderr
    explained = run("explain", "mrr", "--file", path, "--as", "stripe", "--at", "2026-02-01")
    assert explained.exit_code == 0, explained.stderr
    assert "[sub_3:created from stripe; " in explained.stdout


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--as", "strip"], "--as strip: there is no such adapter; did you mean stripe?; known are "),
        (["--map", "x.toml"], "--map x.toml: say whose records these are, with --as"),
        (["--as", "stripe", "--money", "major"], "--money major: the adapter knows how stripe writes it; leave it out"),
        (["--as", "stripe", "--map", "no.toml"], "--map no.toml: it cannot be read (No such file or directory)"),
        (["--as", "stripe", "--map", "{path}"], "[stripe] plan: there is no such option; did you mean plans?"),
    ],
    ids=["adapter", "map-alone", "money", "no-map", "option"],
)
def test_options_that_cannot_work_are_refused_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    """A word that is misspelt would otherwise make another file of the same bytes."""
    options = write(tmp_path, '[stripe]\nplan = "x"\n', "map.toml")
    path = str(write(tmp_path, SHAPES["lines"]))
    result = run("replay", path, *(argument.format(path=options) for argument in arguments))
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("nothing_set")
def test_map_names_plans(tmp_path: Path) -> None:
    """Prices have ids that nobody reads."""
    options = write(tmp_path, '[stripe.plans]\nprice_pro = "Professional"\n', "map.toml")
    path = str(write(tmp_path, SHAPES["lines"]))
    result = run(
        "replay", path, "--as", "stripe", "--map", str(options), "--at", "2026-02-01", "--by", "plan", "--json"
    )
    assert list(json.loads(result.stdout)[0]["segments"]["plan"]) == ["Professional"]
