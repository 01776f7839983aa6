"""docs/events.md: the events that producers send, made of structs, topics, agents and the reasons for refusals."""

from typing import Final

import msgspec

from agents import events
from schemas import survey_requests
from schemas.events import COMMON_MEMBERS, EVENT_TYPES, MRR_MINOR_MAX, OTHER_WAY, REQUIRED_MEMBERS, Event
from schemas.member_forms import form_in_words
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
    HEADER_REPLAYED,
    HEADER_TIMESTAMP,
    HEADER_TOPIC,
    HEADER_TRUNCATED,
    MEANINGS,
    TRUNCATED_BYTES,
    Reason,
)
from schemas.topics import DEAD_LETTER_TOPIC, INPUT_TOPICS

HEAD: Final = """\
# Events

Tenure is told what happens to customers by events: one JSON object in each Kafka record, or one in each line of a file.
This is a complete one:

```json
{"id": "evt_10482", "type": "signup", "customer_id": "c-771", "time": "2026-03-01T09:30:00Z",
 "plan": "pro", "mrr_minor": 4900}
```

Four things make producers' lives easy:

- **Send again when in doubt.** An event is known by customer, `source` and `id`; a repetition changes nothing. Should
  two events of one identity differ, the one with the greater `sequence` counts, then the one with the smaller event
  time (then type, then members), whichever came first, and a metric counts the conflict.
- **Order does not matter.** Events count by their own `time`, whenever and in whatever order they arrive.
- **Members that are not listed here are ignored**, so an event may carry more than Tenure reads. `replay` and `publish`
  [name them](files.md#what-is-told-at-the-end).
- **Nothing is dropped silently.** What cannot be applied goes to the [dead letters](#dead-letters) with the reason.

The same in machine-readable form: [events.schema.json](../schemas/events.schema.json), and with topics and keys
[events.asyncapi.json](../schemas/events.asyncapi.json). How to say what happens to subscriptions, and what it counts:
[subscriptions.md](subscriptions.md). Producers to copy, in four languages: [examples](../examples/producers/README.md).

## Topics

The key of every record is the customer id, and the partition the one that Kafka's Java client chooses for it. Many
clients choose another one unless they are told: [what to set](../examples/producers/README.md#partitioners). Records
that lie elsewhere are forwarded and count all the same, at twice the cost. Names are settings; a type on another topic
is accepted all the same.

| topic | types | what it carries |
| --- | --- | --- |
"""

MEMBERS: Final = """
## Members

Members that have no value are left out, or `null`. Integers are written without decimal point and exponent. Where a
member comes twice, the last one counts.

### Of every event

| member | form | meaning |
| --- | --- | --- |
"""

COMMON: Final = {
    "id": "Unique within customer and source.",
    "source": "Which system says so; by default the topic that belongs to the type.",
    "type": "What happened.",
    "customer_id": "Whom it happened to; a `mark` has none.",
    "time": "When it happened.",
    "sequence": (
        "Orders lifecycle events of one customer and one instant; of two events of one identity the greater counts. "
        "0 by default."
    ),
    "test": "`true`: judged like any other event, counted as a test and nowhere else.",
}

FORMS: Final = f"""
**Ids** that are integers are their decimal text: `7` and `"7"` are one id.

A **date and time** is one of RFC 3339, such as `2026-03-01T10:30:00.250+01:00`; a space for the `T` and offsets without
colon or without minutes (`+0100`, `+01`) are understood too. It may have any number of decimals; what goes beyond
milliseconds is cut, not rounded. A leap second (`:60`) is the first instant of the next minute.

### Prices

A price is one of two:

- `mrr_minor`, the monthly recurring revenue;
- `amount_minor` with its `interval`, and with `interval_count` and `quantity` where they are not 1. The MRR is
  amount × quantity / interval_count, times 365/12 for days, 365/84 for weeks and 1/12 for years: exactly, rounded half
  to even to a whole minor unit, and at most {MRR_MINOR_MAX:,}.

`{{"amount_minor": 19900, "interval": "year", "quantity": 3}}` is an MRR of 4975. An event with both is refused. A
currency may be written in small letters; another one than the default is converted by the rate that holds at the
event's time, rounded half to even once more.

### What only describes an event never costs the event

Of the other members a wrong one is the end of an event. These are mended instead, and a metric counts them by member:

- `reason`, `feature`, `via`: put in small letters; what is not `a`–`z`, `0`–`9`, `_` or `-` becomes `_`, several of
  these one, none stands at the ends, and the rest is cut at 64. `Too expensive!` is `too_expensive`.
- `country` is put in capitals.
- One that cannot be mended counts as absent: what is no text, or empty; a `country`, `channel` or dimension of more
  than 64 characters, or `none` or `other`, which Tenure uses itself.
"""

MEANINGS_OF_MEMBERS: Final = {
    "plan": "The plan that the subscription is on from now.",
    "mrr_minor": "The [price](#prices) as monthly recurring revenue, in minor units (cents) of `currency`.",
    "amount_minor": "Or the [price](#prices) as an amount, in minor units of `currency`.",
    "interval": "What the amount is for. **Required** with `amount_minor`.",
    "interval_count": "For how many of them; 1 by default.",
    "quantity": "How many are bought, each at the amount; 1 by default.",
    "currency": (
        "By default the setting `default_currency`; another one needs a rate at the event's time in the setting "
        "`currency_rates`."
    ),
    "trial": "`true`: the subscription is on trial until an event without it; `false` by default.",
    "country": "Segment.",
    "channel": "Segment: where the customer came from.",
    "involuntary": "`true` where the customer did not choose it, such as after a failed payment; `false` by default.",
    "subscription_id": "Which of the customer's subscriptions; one without an id of its own by default.",
    "effective_at": "When it takes effect, if not at `time`; it counts from then. May lie in the future.",
    "revokes": (
        "The `id` of an event of the same customer and `source`; where this one has no `source`, of each that has "
        "the default source of a type."
    ),
    "kind": "Which question was asked.",
    "status": "What became of it; `answered` by default.",
    "score": "The answer. **Required** when the survey is answered.",
    "via": f"How it was asked; `in_app` by default. Any other way counts as `{OTHER_WAY}`.",
    "outcome": "How the term ended.",
    "completed": "`true` by default; only completions count.",
    "feature": "What was used.",
    "incentive": "Whether an answer was to be rewarded; not kept of `nps` and `csat`.",
    "about": "The `id` of the survey that was followed up, of the same `source` or of the default one of surveys.",
    "ticket": "The ticket's id in your system.",
    "referred": "The id of the customer who was brought.",
    "measure": "What is tried.",
    "variant": "Which form of it the customer saw.",
    "title": "What it is called on boards and in reports.",
    "until": "When it ended, where it took some time.",
}
#: Of members that mean different things in two types.
MEANINGS_BY_TYPE: Final = {
    ("cancel", "reason"): "Why the customer left; `unspecified` by default.",
    ("survey", "reason"): "What the answer was about.",
    ("support", "status"): "What became of it.",
    ("mark", "kind"): "What it was.",
}

EXAMPLES: Final = {
    "signup": '"plan": "pro", "mrr_minor": 4900, "currency": "USD", "country": "PT", "channel": "ads",\n'
    ' "subscription_id": "sub-1", "trial": true',
    "cancel": '"reason": "too_expensive", "effective_at": "2026-03-31T23:59:59Z"',
    "revoke": '"revokes": "evt_10500"',
    "upgrade": '"plan": "team", "amount_minor": 19900, "interval": "year", "quantity": 3',
    "downgrade": '"plan": "free", "mrr_minor": 0',
    "pause": '"subscription_id": "sub-1"',
    "resume": '"subscription_id": "sub-1", "effective_at": "2026-06-01T00:00:00Z"',
    "survey": '"kind": "nps", "score": 9, "reason": "support", "via": "email"',
    "renewal": '"outcome": "renewed"',
    "onboarding": '"completed": true',
    "activity": '"feature": "reports"',
    "contact": '"about": "evt_10493"',
    "support": '"ticket": "4711", "status": "opened"',
    "referral": '"referred": "c-902"',
    "exposure": '"measure": "annual_offer", "variant": "control"',
    "mark": '"kind": "price", "title": "Prices of 2026"',
}

CLOUDEVENTS: Final = """
## CloudEvents

CloudEvents 1.0 are read in both modes of the Kafka protocol binding, by their headers:

- **structured**: the header `content-type` is `application/cloudevents+json`, the value is the envelope and its `data`
  (or `data_base64`) holds the members above;
- **binary**: the attributes are headers (`ce_id`, `ce_type`, …), the value holds the members above.

| of the event | of the CloudEvent |
| --- | --- |
| `id`, `source`, `time` | The attributes of the same names. `time` is required here; `data` cannot replace it. |
| `type` | The last dot-separated part of `type`: `com.example.billing.signup` is a `signup`. |
| `customer_id` | `subject`, unless the data names `customer_id`. |
| all others | The data. |

`specversion` must be `1.0`. A header `ce_…` makes a record a CloudEvent; others, such as `traceparent`, do not.

Files have no headers: a line or row there that has a member `specversion` is read as a structured CloudEvent, and
`tenure publish` sends it with the header that says so.

## Framed JSON

A value as Confluent's serializer of JSON Schema writes it (a zero byte, four bytes that name a schema, and the JSON) is
read without its frame, and without a registry, at about a tenth of the speed. Avro in such frames is translated first:
[adapters/confluent.md](adapters/confluent.md).
"""

DEAD_LETTERS: Final = f"""
## Dead letters

A record that cannot be applied goes to the topic `{DEAD_LETTER_TOPIC}`, with its key, its bytes and its headers as
they were, and the rest of its batch is applied. Headers that are added say why, `{HEADER_REASON}` and
`{HEADER_DETAIL}`, and where it lay, `{HEADER_TOPIC}`, `{HEADER_PARTITION}` and `{HEADER_OFFSET}`; Kafka's
timestamp of it is `{HEADER_TIMESTAMP}` (ms since 1970). Topic, partition and offset
identify a dead letter; after a crash one may be there twice, and `tenure dlq list` shows it once. One that is too
large for Kafka, or of a record beyond both 1 MiB and `max_record_bytes`, carries its first
{TRUNCATED_BYTES // 1024} KiB and the header `{HEADER_TRUNCATED}`.

`tenure dlq` looks into them and sends them again, mended: [dead-letters.md](dead-letters.md). A record that was sent
again says in `{HEADER_REPLAYED}` for which dead letter, and so does a mark in `{DEAD_LETTER_TOPIC}`, which has the
three headers of that one and no reason.

The reasons are a closed list, and a record gets the first one that applies:

| reason | when |
| --- | --- |
"""


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [HEAD]
    for topic in INPUT_TOPICS:
        types = "any" if len(topic.types) == len(EVENT_TYPES) else ", ".join(f"`{name}`" for name in topic.types)
        parts.append(f"| `{topic.default_name}` | {types} | {topic.meaning} |\n")
    parts.append(MEMBERS)
    parts += [_common_row(member) for member in COMMON_MEMBERS]
    parts.append(FORMS)
    parts += [_section(event_type) for event_type in EVENT_TYPES]
    parts += [CLOUDEVENTS, DEAD_LETTERS]
    parts += [f"| `{reason}` | {MEANINGS[reason]} |\n" for reason in Reason]
    parts.append(survey_requests.section())
    return "".join(parts)


def _section(event_type: type[Event]) -> str:
    name = event_type.TYPE
    required = {field.name for field in msgspec.structs.fields(event_type) if field.required} - {"mrr_minor"}
    rows = "".join(_row(member, event_type, is_required=member in required) for member in event_type.OWN_MEMBERS)
    of = ', "customer_id": "c-771"' if event_type.HAS_CUSTOMER else ""
    common = f'"id": "evt_1", "type": "{name}"{of}, "time": "2026-03-01T09:30:00Z"'
    table = f"| member | form | meaning |\n| --- | --- | --- |\n{rows}"
    return f"\n### {name}\n\n{events.TYPES[name]}\n\n{table}\n```json\n{{{common},\n {EXAMPLES[name]}}}\n```\n"


def _common_row(member: str) -> str:
    form = "one of the types below" if member == "type" else form_in_words(Event, member)
    return _line(member, form, COMMON[member], is_required=member in REQUIRED_MEMBERS)


def _row(member: str, event_type: type[Event], *, is_required: bool) -> str:
    meaning = MEANINGS_BY_TYPE.get((event_type.TYPE, member)) or MEANINGS_OF_MEMBERS[member]
    return _line(member, form_in_words(event_type, member), meaning, is_required=is_required)


def _line(member: str, form: str, meaning: str, *, is_required: bool) -> str:
    return f"| `{member}` | {form}{', **required**' if is_required else ''} | {meaning} |\n"
