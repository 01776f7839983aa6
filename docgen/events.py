"""docs/events.md: the events that producers send, made of structs, topics, agents and the reasons for refusals."""

from typing import Final, get_args

import msgspec

from agents import events
from schemas import survey_requests
from schemas.events import EVENT_TYPES, Event, RenewalOutcome, SurveyKind, SurveyStatus, SurveyWay
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
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
  two events of one identity differ, the one with the smaller event time counts (then type, then members), whichever
  came first, and a metric counts the conflict.
- **Order does not matter.** Events count by their own `time`, whenever and in whatever order they arrive.
- **Members that are not listed here are ignored**, so an event may carry more than Tenure reads.
- **Nothing is dropped silently.** What cannot be applied goes to the [dead letters](#dead-letters) with the reason.

The same in machine-readable form: [events.schema.json](../schemas/events.schema.json).

## Topics

The key of every record is the customer id. Names are settings; a type on another topic is accepted all the same.

| topic | types | what it carries |
| --- | --- | --- |
"""

MEMBERS: Final = """
## Members

### Of every event

| member | form | meaning |
| --- | --- | --- |
| `id` | string of 1–256 characters, **required** | Unique within customer and source. |
| `type` | one of the types below, **required** | What happened. |
| `customer_id` | string of 1–128 characters, **required** | Whom it happened to. |
| `time` | instant, **required** | When it happened. |
| `source` | string | Which system says so; by default the topic that belongs to the type. |
| `sequence` | integer of 64 bits | Orders lifecycle events of one customer and one instant; 0 by default. |
| `test` | boolean | `true`: judged like any other event, counted as a test and nowhere else. |

An **instant** is a date and time of RFC 3339 with `Z` or an offset, such as `2026-03-01T10:30:00.250+01:00`. It may
have any number of decimals; what goes beyond milliseconds is cut, not rounded. A leap second (`:60`) is the first
instant of the next minute. An offset without its colon (`+0100`) is understood too.

A **slug** is 1–64 of `a`–`z`, `0`–`9`, `_` and `-`. A **label** is 1–64 characters of any kind, but not `none` and not
`other`, which Tenure uses itself. An optional member that has no value is left out: `null` is refused. Integers are
written without decimal point and exponent. Where a member comes twice, the last one counts.
"""

FORMS: Final = {
    "plan": ("label", "The plan that the customer is on from now."),
    "mrr_minor": (
        "integer from 0 to 10^12",
        "Monthly recurring revenue from now, in minor units (cents) of `currency`; of a yearly price, a twelfth.",
    ),
    "currency": (
        "three capital letters (ISO 4217)",
        "By default the setting `default_currency`; another one needs a rate in the setting `currency_rates`.",
    ),
    "country": ("two capital letters", "Segment."),
    "channel": ("label", "Segment: where the customer came from."),
    "involuntary": (
        "boolean",
        "`true` where the customer did not choose it, such as after a failed payment; `false` by default.",
    ),
    "effective_at": (
        "instant",
        "When the cancel takes effect, if not at `time`; it counts from then. May lie in the future.",
    ),
    "revokes": ("string of 1–256 characters", "The `id` of an event of the same customer and source."),
    "kind": (None, "Which question was asked."),
    "status": (None, "What became of it; `answered` by default."),
    "score": (
        "integer, 0–10 (`nps`) or 1–5 (`csat`)",
        "The answer. **Required** when the survey is answered.",
    ),
    "via": (None, "How it was asked; `in_app` by default."),
    "outcome": (None, "How the term ended."),
    "completed": ("boolean", "`true` by default; only completions count."),
    "feature": ("slug", "What was used."),
}
REASONS: Final = {"cancel": "Why the customer left; `unspecified` by default.", "survey": "What the answer was about."}
CHOICES: Final = {"kind": SurveyKind, "status": SurveyStatus, "via": SurveyWay, "outcome": RenewalOutcome}

EXAMPLES: Final = {
    "signup": '"plan": "pro", "mrr_minor": 4900, "currency": "USD", "country": "PT", "channel": "ads"',
    "cancel": '"reason": "too_expensive", "effective_at": "2026-03-31T23:59:59Z"',
    "revoke": '"revokes": "evt_10500"',
    "upgrade": '"plan": "team", "mrr_minor": 19900',
    "downgrade": '"plan": "free", "mrr_minor": 0',
    "survey": '"kind": "nps", "score": 9, "reason": "support", "via": "email"',
    "renewal": '"outcome": "renewed"',
    "onboarding": '"completed": true',
    "activity": '"feature": "reports"',
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

`specversion` must be `1.0`. Other headers, such as `traceparent`, do not make a record a CloudEvent.

Files have no headers: a line or row there that has a member `specversion` is read as a structured CloudEvent, and
`tenure publish` sends it with the header that says so.
"""

DEAD_LETTERS: Final = f"""
## Dead letters

A record that cannot be applied goes to the topic `{DEAD_LETTER_TOPIC}`, with its key, its bytes and its headers as
they were, and the rest of its batch is applied. Headers that are added say why, `{HEADER_REASON}` and
`{HEADER_DETAIL}`, and where it lay, `{HEADER_TOPIC}`, `{HEADER_PARTITION}` and `{HEADER_OFFSET}`. These three
identify a dead letter; after a crash one may be there twice, and `tenure dlq list` shows it once. One that is too
large for Kafka, or of a record beyond both 1 MiB and `max_record_bytes`, carries its first
{TRUNCATED_BYTES // 1024} KiB and the header `{HEADER_TRUNCATED}`.

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
    parts += [_section(event_type) for event_type in EVENT_TYPES]
    parts += [CLOUDEVENTS, DEAD_LETTERS]
    parts += [f"| `{reason}` | {MEANINGS[reason]} |\n" for reason in Reason]
    parts.append(survey_requests.section())
    return "".join(parts)


def _section(event_type: type[Event]) -> str:
    name = event_type.TYPE
    required = {field.name for field in msgspec.structs.fields(event_type) if field.required}
    rows = "".join(_row(member, name, is_required=member in required) for member in event_type.OWN_MEMBERS)
    common = f'"id": "evt_1", "type": "{name}", "customer_id": "c-771", "time": "2026-03-01T09:30:00Z"'
    table = f"| member | form | meaning |\n| --- | --- | --- |\n{rows}"
    return f"\n### {name}\n\n{events.TYPES[name]}\n\n{table}\n```json\n{{{common},\n {EXAMPLES[name]}}}\n```\n"


def _row(member: str, event_type: str, *, is_required: bool) -> str:
    form, meaning = ("slug", REASONS[event_type]) if member == "reason" else FORMS[member]
    if form is None:
        form = ", ".join(f"`{choice}`" for choice in get_args(CHOICES[member]))
    return f"| `{member}` | {form}{', **required**' if is_required else ''} | {meaning} |\n"
