"""Rules for each setting, and the parsing of its text. Zones and buckets: `streams.settings.buckets`.

Pure but for the existence of files. Every rule raises ValueError with a sentence that
says what is wrong and what to do; a rule over several settings raises RuleBrokenError, which names the one to change.
"""

from __future__ import annotations

import datetime as dt
import json
import keyword
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, get_args

from schemas.adapters.registry import ADAPTERS, no_such_adapter
from schemas.catalogue.windows import SEGMENT_WINDOW_DAYS
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.events import RESERVED_DIMENSIONS, AskedWay, SurveyKind
from schemas.survey_requests import SURVEY_RULES
from streams.settings.did_you_mean import did_you_mean
from streams.settings.hosts import is_host
from streams.settings.http_urls import checked_url
from streams.settings.redis_address import read_address
from streams.settings.redis_options import SHOWN_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import SecretStr

MAX_WINDOW_DAYS: Final = 365
MAX_WINDOWS: Final = 12
MAX_DIMENSIONS: Final = 8
MAX_TOPIC_CHARACTERS: Final = 249
_MOST_DIGITS: Final = 15
DEFAULT_REDIS_URL: Final = "redis://127.0.0.1:6379/0"
FORGET_KEY_CHARACTERS_MIN: Final = 32

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]+")
_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# What schemas.events takes as a member of a signup; keywords cannot name one either.
_MEMBER: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]+")
_BROKER: Final = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")


class RuleBrokenError(ValueError):
    """Several settings do not go together.

    Args:
        setting: The field to change.
        message: What is wrong with it and what to do, beginning with "it" or what could follow "and".
        others: The fields that it does not go with: one of them is named where `setting` was never set.
    """

    def __init__(self, setting: str, message: str, *others: str) -> None:
        self.setting = setting
        self.others = others
        super().__init__(message)


def split_list(value: object) -> object:
    """Read "a,b" and "[a, b]" as a list; anything but text passes through."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        return _json(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def split_pairs(value: object) -> object:
    """Read "a=x,b=y" and a JSON object as a mapping; anything but text passes through."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("{"):
        return _json(text)
    pairs: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, content = (piece.strip() for piece in part.partition("="))
        if not (equals and name and content):
            raise ValueError(f"{part.strip()!r} is not of the form name=value; write name=value,name=value")
        if name in pairs:
            raise ValueError(f"{name!r} stands in it twice; keep one")
        pairs[name] = content
    return pairs


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "too long or too deep"
        raise ValueError(f"it begins like JSON and is none ({reason}); write it without brackets") from error


def lower_case(value: object) -> object:
    """Take names in any case; anything but text passes through."""
    return value.strip().lower() if isinstance(value, str) else value


def upper_case(value: object) -> object:
    """Take names in any case; anything but text passes through."""
    return value.strip().upper() if isinstance(value, str) else value


def check_bootstrap(value: str) -> str:
    """Every broker is host:port."""
    brokers = [broker.strip() for broker in value.split(",")]
    for broker in brokers:
        match = _BROKER.fullmatch(broker)
        if "@" in broker:
            raise ValueError("a broker has no name and password; they are kafka_username and kafka_password")
        if match is None or not 0 < int(match[1]) < 65536 or not is_host(broker.rpartition(":")[0].strip("[]")):
            raise ValueError(f"{broker!r} is not host:port; write for example kafka-1:9092,kafka-2:9092")
    return ",".join(brokers)


def check_metrics_host(value: str) -> str:
    """A host that can be listened on."""
    if not is_host(value) or _HOST.fullmatch(value) is None:
        raise ValueError("it is no address; write 127.0.0.1 for this machine alone, or 0.0.0.0 for all")
    return value


def check_group(value: str | None) -> str | None:
    """A name that Kafka and Redis take as it is."""
    if value is not None and _NAME.fullmatch(value) is None:
        raise ValueError("use 1 to 128 letters, digits, dots, colons, hyphens or underscores")
    return value


def check_topic(value: str) -> str:
    """A name that Kafka allows for a topic."""
    if _TOPIC.fullmatch(value) is None or len(value) > MAX_TOPIC_CHARACTERS or value in {".", ".."}:
        raise ValueError(f"{value!r} is no topic name; use 1 to 249 letters, digits, dots, hyphens or underscores")
    return value


def check_known_keys(mapping: Mapping[str, object], known: Sequence[str]) -> None:
    """Every key of a mapping is one of the known ones."""
    for key in mapping:
        if key not in known:
            raise ValueError(f"{key!r} is none of {', '.join(known)}; {did_you_mean(key, known)}")


def check_redis_url(value: SecretStr) -> SecretStr:
    """A URL of which every part is understood."""
    if value.get_secret_value() != DEFAULT_REDIS_URL:  # that one is right, and reading it would load Redis's client
        read_address(value.get_secret_value())
    return value


def without_password(url: str) -> str:
    """Return a URL with its password replaced by asterisks, also where the URL is malformed."""
    if "://" not in url:
        return url if re.fullmatch(r"[A-Za-z0-9_.-]*(:\d{1,5})?", url) else "****"
    hidden = re.sub(r"(?s)://([^:@/]*):.*@", r"://\1:****@", url)
    hidden = re.sub(r"([?&])([^=&]*)=([^&]*)", _without_secret_option, hidden)
    # "redis://user:secret" without a host: what stands where the port should is then the password.
    # Several servers, each with its port, are no password.
    ports = r"\d{1,5}(?:,(?:\[[0-9A-Fa-f:.]+\]|[^:@/,]+):\d{1,5})*(?:/|\?|$)"
    return re.sub(rf"(://[^:@/\[]*):(?!\*{{4}}@)(?!{ports}).*", r"\1:****", hidden)


def _without_secret_option(option: re.Match[str]) -> str:
    before, name, value = option.groups()
    return f"{before}{name}={value if name in SHOWN_OPTIONS else '****'}"


def check_redis_prefix(value: str) -> str:
    """A prefix without the braces that Redis Cluster hashes by."""
    if _NAME.fullmatch(value) is None:
        raise ValueError("use letters, digits, dots, colons, hyphens or underscores; braces are Redis Cluster's")
    return value


def check_windows(value: tuple[int, ...]) -> tuple[int, ...]:
    """Ascending, each once, within the year that is kept bucket by bucket."""
    if not value:
        raise ValueError("name at least one window")
    if len(value) > MAX_WINDOWS:
        raise ValueError(f"{len(value)} windows are too many; at most {MAX_WINDOWS}")
    for days in value:
        if not 1 <= days <= MAX_WINDOW_DAYS:
            raise ValueError(f"a window has 1 to {MAX_WINDOW_DAYS} days, not {days}")
    if list(value) != sorted(set(value)):
        ascending = ",".join(str(days) for days in sorted(set(value)))
        raise ValueError(f"list them ascending and each once: {ascending}")
    return value


def check_dimensions(value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of members that events do not already have."""
    if len(value) > MAX_DIMENSIONS:
        raise ValueError(f"{len(value)} dimensions are too many; at most {MAX_DIMENSIONS}")
    for name in value:
        if _MEMBER.fullmatch(name) is None or keyword.iskeyword(name):
            raise ValueError(
                f"{name!r} cannot name a member; use lower-case letters, digits and underscores, a letter first"
            )
        if name in BUILT_IN_DIMENSIONS:
            raise ValueError(f"{name!r} is a dimension anyway; leave it out")
        if name in RESERVED_DIMENSIONS:
            raise ValueError(f"{name!r} already has a meaning; name the member in your events differently")
    if len(set(value)) != len(value):
        raise ValueError("a dimension stands in it twice; keep one")
    return value


def check_currency(value: str) -> str:
    """A currency is three capital letters."""
    if _CURRENCY.fullmatch(value) is None:
        raise ValueError("a currency is three capital letters (ISO 4217), for example EUR")
    return value


RATE_MAX: Final = 100_000
RATE_MIN: Final = Decimal("1e-12")


def check_rates(value: dict[str, Decimal]) -> dict[str, Decimal]:
    """Rates are of a currency, maybe from a day on; positive, and such that the largest MRR stays within 64 bits."""
    for name, rate in value.items():
        currency, at, day = name.partition("@")
        check_currency(currency)
        if at and not _is_day(day):
            raise ValueError(f"{name!r} has no day after the @; write for example {currency}@2026-01-01=1.10")
        if not rate.is_finite() or not RATE_MIN <= rate <= RATE_MAX:
            raise ValueError(f"the rate of {name} must be above zero and at most {RATE_MAX:,}, not {rate:.6g}")
    return value


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return _DAY.fullmatch(text) is not None


def check_rates_foreign(rates: Mapping[str, Decimal], default_currency: str) -> None:
    """The default currency needs no rate."""
    if default_currency in {name.partition("@")[0] for name in rates}:
        raise RuleBrokenError(
            "currency_rates",
            f"it has a rate of {default_currency}, the default currency, whose rate is 1; leave it out",
            "default_currency",
        )


def check_segment_windows(segment_windows: tuple[int, ...], windows: tuple[int, ...]) -> None:
    """Segments are exported for windows that are counted."""
    missing = [days for days in segment_windows if days not in windows]
    if missing:
        counted = ",".join(str(days) for days in windows)
        raise RuleBrokenError(
            "segment_windows_days",
            f"{missing[0]} is none of windows_days ({counted}); add it there or drop it",
            "windows_days",
        )


def usual_segment_windows(windows: tuple[int, ...]) -> tuple[int, ...]:
    """Return the windows of segments where none are set: the usual ones, or the counted one that is nearest to a month.

    Args:
        windows: Those that are counted (days, ascending, at least one).
    """
    usual = tuple(days for days in SEGMENT_WINDOW_DAYS if days in windows)
    return usual or (min(windows, key=lambda days: abs(days - 30)),)


def check_size(value: object) -> object:
    """A number written with an exponent is not beyond all use: as an integer it would fill the memory."""
    if isinstance(value, Decimal) and (not value.is_finite() or value.adjusted() > _MOST_DIGITS):
        raise ValueError(f"{value} is too large; write minor units from 0, for example 12000")
    return value


def check_costs(value: dict[str, int]) -> dict[str, int]:
    """No customer costs less than nothing."""
    for channel, cost in value.items():
        if cost < 0:
            raise ValueError(f"{channel} costs {cost}; write minor units from 0, for example {channel}=12000")
    return value


def check_survey_rules(value: dict[str, str]) -> dict[str, str]:
    """Each known rule asks a kind of survey in a way."""
    check_known_keys(value, SURVEY_RULES)
    for rule, question in value.items():
        kind, _, way = question.partition("/")
        if kind not in get_args(SurveyKind) or way not in get_args(AskedWay):
            raise ValueError(
                f"{rule} asks {question!r}; write a kind ({', '.join(get_args(SurveyKind))}), a slash and a way "
                f"({', '.join(get_args(AskedWay))}), for example nps/email"
            )
    return value


def check_survey_days(*, regular: int, quiet: int) -> None:
    """Regular surveys do not silence each other."""
    if quiet > regular:
        raise RuleBrokenError(
            "survey_quiet_days",
            f"it is longer than survey_regular_days ({regular}), so that most would be left out; lower it",
            "survey_regular_days",
        )


def check_registry_url(value: str | None) -> str | None:
    """A URL of HTTP without a password in it."""
    if value is not None:
        credentials = "schema_registry_username and schema_registry_password"
        checked_url(value, example="https://registry.example.com", credentials=credentials)
    return value


def check_adapter_topics(value: dict[str, str]) -> dict[str, str]:
    """Each topic has a name that Kafka allows, and an adapter that there is."""
    for topic, adapter in value.items():
        check_topic(topic)
        if adapter not in ADAPTERS:
            raise ValueError(f"{topic} names {adapter!r}: {no_such_adapter(adapter)}")
    return value


def check_forget_key(value: SecretStr | None) -> SecretStr | None:
    """A key that nobody guesses: whoever has it can find out who was forgotten."""
    if value is not None and len(value.get_secret_value()) < FORGET_KEY_CHARACTERS_MIN:
        raise ValueError(
            f"it is shorter than {FORGET_KEY_CHARACTERS_MIN} characters; make one by `openssl rand -hex 32`"
        )
    return value


def check_topics_distinct(
    topics: Mapping[str, str], own_topics: Mapping[str, str], adapter_topics: Iterable[str]
) -> None:
    """No topic serves two purposes; `own_topics` are those that we write beside events, by their setting."""
    used: dict[str, str] = {}
    purposes = [*((f"topics.{name}", topic) for name, topic in topics.items())]
    purposes += own_topics.items()
    purposes += [("adapter_topics", topic) for topic in adapter_topics]
    for purpose, topic in purposes:
        if topic in used:
            raise RuleBrokenError(
                purpose, f"{topic!r} is the topic of {used[topic]} already; every purpose needs its own", used[topic]
            )
        used[topic] = purpose
