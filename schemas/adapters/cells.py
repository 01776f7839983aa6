"""Cells of tables and properties of records, as what they mean: ids, instants, amounts, intervals, flags.

A cell is a text of CSV, or what JSON and Parquet make of a column: one reader for all of them. Nothing is guessed that
would change a number: an amount that may be dollars or cents is refused until an option says which of the two it is.
Source: docs/adapters/table.md, section Values.
"""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.columns import holds_utc
from schemas.adapters.currency_signs import CurrencyProblem, currency_said
from schemas.adapters.instants import in_range
from schemas.adapters.prices import rounded
from schemas.adapters.reading import Node
from schemas.decoding.instant_texts import exact_text
from schemas.decoding.prices import PER_MONTH
from schemas.instants import EPOCH, milliseconds, text_of_instant
from schemas.local_times import LOCAL_TIME, local_instant
from schemas.money import decimals_of

Money = Literal["major", "minor"]
DayNumbers = Literal["epoch", "excel"]
"""What a bare number of days counts: since 1970, or as Excel does, whose serial dates these are."""

#: What databases write for no value at all: MySQL and COPY of Postgres, Python, Excel; in either case.
NO_VALUES: Final = frozenset({"", "null", "\\n", "none", "n/a", "#n/a", "-"})
#: What pandas writes for it; in another case it is a name, such as Nat.
_NOT_A_VALUE: Final = frozenset({"NaN", "NaT"})
_TRUE: Final = frozenset({"true", "t", "1", "1.0", "yes", "y"})
_FALSE: Final = frozenset({"false", "f", "0", "0.0", "no", "n"})
_NUMBER: Final = re.compile(r"-?\d{1,19}(?:\.\d*)?", re.ASCII)
_MARK: Final = r"([A-Za-z]{3}|[^\w\s.,'+-]{1,3})?"
_IN_WORDS: Final = re.compile(rf"{_MARK}\s*([+-]?\d[\d.,' \u00a0\u202f]*?)\s*{_MARK}")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:[,' \u00a0\u202f]\d{3})+(?:\.\d+)?", re.ASCII)
_GROUPED_WITH_COMMA: Final = re.compile(r"[+-]?\d{1,3}(?:[.' \u00a0\u202f]\d{3})+(?:,\d+)?", re.ASCII)
_PLAIN: Final = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_PLAIN_WITH_COMMA: Final = re.compile(r"[+-]?\d+(?:,\d+)?", re.ASCII)
#: What is a thousand to some and one with three decimals to others; a zero before the sign can be the latter alone.
_UNCLEAR: Final = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}", re.ASCII)
_UNCLEAR_DECIMALS: Final = 3
#: How databases write an end that there is none of: the last day of the calendar, or Postgres's own word.
_NO_END: Final = re.compile(r"(?:9999-?12-?31(?:\D.*)?|infinity)", re.ASCII | re.DOTALL | re.IGNORECASE)
_UTC: Final = ZoneInfo("UTC")
_UTC_AT_END: Final = re.compile(r"\s*(?:UTC|GMT)$")
_COUNTED: Final = re.compile(r"(?:every\s+)?p?(\d{1,3})[\s_-]*([a-z]+)")
_AMOUNT_DIGITS_MAX: Final = 20
_CELL_CHARACTERS_MAX: Final = 1_024
_DAY_DIGITS: Final = 8
_MONEY_IS: Final = 'set money = "major" where 49 is 49 units such as dollars, money = "minor" where 4900 is'

#: Counts since 1970 by their size, as seconds of one, each from and to what lies between 2000 and 2100: no two overlap.
_SIZES: Final = (
    (946_684_800, 4_102_444_800, Fraction(1)),
    (946_684_800_000, 4_102_444_800_000, Fraction(1, 10**3)),
    (946_684_800_000_000, 4_102_444_800_000_000, Fraction(1, 10**6)),
    (946_684_800_000_000_000, 4_102_444_800_000_000_000, Fraction(1, 10**9)),
)
#: Day 0 of a count of days. Excel counts 1900-02-29 too, so that its days from 1900-03-01 on are those since this one.
_DAYS_SINCE: Final[Mapping[DayNumbers, dt.datetime]] = {
    "epoch": EPOCH,
    "excel": dt.datetime(1899, 12, 30, tzinfo=dt.UTC),
}
#: Days from 2000 to 2099 of either count.
_FIRST_DAY: Final = 10_957
_END_OF_DAYS: Final = 73_051
#: What a format of days is tried with: no two of its parts are alike.
_SAMPLE: Final = dt.datetime(2026, 3, 29, 21, 7, 5, tzinfo=dt.UTC)
_DAY_S: Final = 86_400
_LAST_DAY: Final = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
_LAST_DAY_S: Final = 253_402_214_400
_OF_DAY: Final = "day"
_OF_MONTH: Final = "month"
#: Units of a term in the words of others, as those of prices and how many of them.
_UNITS: Final[Mapping[str, tuple[str, int]]] = {
    **dict.fromkeys(("d", "day", "days", "daily"), (_OF_DAY, 1)),
    **dict.fromkeys(("w", "week", "weeks", "wk", "weekly"), ("week", 1)),
    **dict.fromkeys(("fortnight", "fortnightly", "biweekly"), ("week", 2)),
    **dict.fromkeys(("m", "mo", "mon", "mth", "month", "months", "monthly"), (_OF_MONTH, 1)),
    **dict.fromkeys(("q", "qtr", "quarter", "quarters", "quarterly"), (_OF_MONTH, 3)),
    **dict.fromkeys(("half_year", "half_yearly", "semiannual", "semi_annual", "semiannually"), (_OF_MONTH, 6)),
    **dict.fromkeys(("y", "yr", "year", "years", "yearly", "annual", "annually", "annum"), ("year", 1)),
    **dict.fromkeys(("biennial", "biennially"), ("year", 2)),
    **dict.fromkeys(("triennial", "triennially"), ("year", 3)),
}  # fmt: skip


class Moment(NamedTuple):
    """An instant that a cell names.

    Attributes:
        at: The instant, of a day its first one (UTC).
        is_day: Whether the cell names a day and no time of it.
    """

    at: dt.datetime
    is_day: bool = False

    @property
    def text(self) -> str:
        """The instant as events have it."""
        return text_of_instant(self.at)


class Currency(NamedTuple):
    """The currency of a record's amounts, as ISO 4217 in either case.

    Attributes:
        stated: By the record, or of it; empty where nothing is.
        default: Of records that state none, and whose amounts say none; empty where there is no such.
    """

    stated: str = ""
    default: str = ""


class Amount(NamedTuple):
    """An amount that a cell holds.

    Attributes:
        minor: In minor units of its currency, with a part of one where there is any.
        currency: ISO 4217, in the case in which it is written; empty where nothing says it.
    """

    minor: Fraction
    currency: str

    def rounded(self, times: int = 1) -> int:
        """Return the amount, or a multiple of it, rounded half to even to a whole minor unit."""
        return rounded(self.minor * times)

    @property
    def is_whole(self) -> bool:
        """Tell whether it is a whole number of minor units."""
        return self.minor.denominator == 1


class CellAdvice(NamedTuple):
    """Advice on cells that cannot be read, by the options that an adapter has; empty where it has none for it.

    Attributes:
        currency: To say the currency of an amount.
        decimals: To say that a comma stands before the decimals of amounts.
        unclear: To say which sign stands before them, where both may be meant.
        date_format: To say how days are written.
        day_numbers: To say what numbers of days count.
    """

    currency: str = 'name its column in columns.currency, or say defaults = {currency = "USD"}'
    decimals: str = "say decimal_comma = true where a comma stands before decimals"
    unclear: str = "say decimal_comma = false where a point stands before decimals, true where a comma does"
    date_format: str = "say date_format where days are written otherwise, such as %d/%m/%Y"
    day_numbers: str = 'say day_numbers = "excel" where these are serial dates of Excel, "epoch" where days since 1970'


_OF_TABLES: Final = CellAdvice()


def zone_of(adapter: str, name: str) -> ZoneInfo:
    """Return a time zone of the options.

    Raises:
        OptionsFault: There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        advice = "write its IANA name, such as Europe/Bucharest"
        raise OptionsFault(f"[{adapter}] time_zone {name}: there is no such time zone; {advice}") from error


def date_format_of(adapter: str, date_format: str) -> str:
    """Return the format of days and times of the options; empty where all are ISO 8601.

    Raises:
        OptionsFault: No day can be read by it.
    """
    try:
        is_read = not date_format or _read_by(_SAMPLE.strftime(date_format), date_format).date() == _SAMPLE.date()
        problem = "says no day of a year"
    except (ValueError, OverflowError, re.error) as error:
        is_read, problem = False, f"cannot be read ({error})"
    if not is_read:
        advice = "write the directives of strptime for year, month and day, such as %d/%m/%Y"
        raise OptionsFault(f"[{adapter}] date_format {date_format}: {problem}; {advice}")
    return date_format


class CellReader:
    """Reads cells by what the options say of how values are written.

    Args:
        time_zone: Of days, and of times without an offset.
        date_format: Of times that are not ISO 8601, as for `datetime.strptime`; empty where all are.
        decimal_comma: Whether a comma stands before the decimals of amounts, or a point; None where nobody has said it:
            amounts of which that is not clear are then refused.
        money: The unit of amounts that do not show it.
        intervals: Own words for intervals, such as `{"M1": "month"}`.
        local_numbers: Whether counts since 1970 are of the clock on the wall, and not of UTC.
        day_numbers: What bare numbers of days count; None where nobody has said it: they are then refused.
        advice: What to set where a cell cannot be read.
    """

    def __init__(
        self,
        *,
        time_zone: ZoneInfo,
        date_format: str = "",
        decimal_comma: bool | None = None,
        money: Money | None = None,
        intervals: Mapping[str, str] | None = None,
        local_numbers: bool = False,
        day_numbers: DayNumbers | None = None,
        advice: CellAdvice = _OF_TABLES,
    ) -> None:
        self.zone = time_zone
        self._advice = advice
        self._date_format = date_format
        self._decimal_comma = decimal_comma
        self._money = money
        self._local_numbers = local_numbers
        self._day_numbers = day_numbers
        self._intervals = {word.strip().lower(): meaning for word, meaning in (intervals or {}).items()}

    def has_value(self, row: Node, name: str) -> bool:
        """Tell whether there is a value in a cell."""
        found = row.get(name)
        if isinstance(found, Decimal):
            return found.is_finite()
        if isinstance(found, str):
            text = found.strip()
            return text not in _NOT_A_VALUE and text.lower() not in NO_VALUES
        return found is not None

    def text(self, row: Node, name: str) -> str:
        """Return a cell's text, of a number its digits; empty where there is no value."""
        if not self.has_value(row, name):
            return ""
        found = row.get(name)
        if isinstance(found, Decimal) and found == found.to_integral_value() and found.adjusted() < _AMOUNT_DIGITS_MAX:
            # A column of integers with gaps has become one of floats on its way.
            return str(int(found))
        if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
            raise row.wrong(name, "must be a text")
        text = str(found).strip() if not isinstance(found, int) else _digits(found)
        if len(text) > _CELL_CHARACTERS_MAX:
            raise row.wrong(name, f"must have at most {_CELL_CHARACTERS_MAX} characters")
        return text

    def flag(self, row: Node, name: str) -> bool:
        """Return a cell that is true or false; false where there is no value."""
        found = row.get(name)
        if isinstance(found, bool):
            return found
        text = self.text(row, name).lower()
        if text in _TRUE:
            return True
        if text and text not in _FALSE:
            raise row.wrong(name, "must be true or false")
        return False

    def count(self, row: Node, name: str) -> int | None:
        """Return a cell that is an integer from 0; None where there is no value."""
        text = self.text(row, name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > _AMOUNT_DIGITS_MAX:
            raise row.wrong(name, "must be an integer from 0")
        return int(text)

    def version(self, row: Node, name: str) -> int | None:
        """Return a number that grows with each version of a row: an integer, or an instant's milliseconds."""
        text = self.text(row, name)
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) < _AMOUNT_DIGITS_MAX - 1:
            return int(text)
        return milliseconds(self._read(text, row, name).at)

    def moment(self, row: Node, name: str) -> Moment | None:
        """Return the instant that a cell names; None where there is no value."""
        text = self.text(row, name)
        return None if not text else self._moment(text, row, name)

    def end(self, row: Node, name: str) -> Moment | None:
        """Return the instant of an end that a cell names; None where there is no value, or no end by what it says."""
        text = self.text(row, name)
        return None if not text or self._is_no_end(text) else self._moment(text, row, name)

    def _is_no_end(self, text: str) -> bool:
        if _NO_END.fullmatch(text):
            return True
        if _NUMBER.fullmatch(text):
            whole = int(text.partition(".")[0])
            is_last_day = any(whole == (_LAST_DAY - day).days for day in _DAYS_SINCE.values())
            return is_last_day or any(_LAST_DAY_S <= whole * seconds < _LAST_DAY_S + _DAY_S for *_, seconds in _SIZES)
        try:
            return bool(self._date_format) and _read_by(text, self._date_format).date() == dt.date.max
        except ValueError:
            return False

    def _moment(self, text: str, row: Node, name: str) -> Moment:
        moment = self._read(text, row, name)
        in_range(row, name, moment.at)
        return moment

    def _read(self, text: str, row: Node, name: str) -> Moment:
        zone = _UTC if holds_utc(name) else self.zone
        moment = self._by_format(text, zone) if self._date_format else None
        if moment is None and _NUMBER.fullmatch(text):
            moment = self._by_size(text, zone)
        elif moment is None:
            moment = _by_text(_UTC_AT_END.sub("Z", text), zone)
        if moment is not None:
            return moment
        if self._is_count_of_days(text):
            raise row.wrong(name, f"must be a date, and is a bare number of days{_advised(self._advice.day_numbers)}")
        also = f", or as date_format {self._date_format} says" if self._date_format else ""
        advice = "" if self._date_format else _advised(self._advice.date_format)
        expected = "must be a date, or a date and time, from 2000 to 2099, as 2026-03-01 or 2026-03-01T09:30:00Z"
        raise row.wrong(name, f"{expected}{also}{advice}")

    def _is_count_of_days(self, text: str) -> bool:
        whole = text.partition(".")[0]
        return self._day_numbers is None and bool(_NUMBER.fullmatch(text)) and _FIRST_DAY <= int(whole) < _END_OF_DAYS

    def _by_format(self, text: str, zone: ZoneInfo) -> Moment | None:
        try:
            moment = _read_by(text, self._date_format)
            is_day = not any(directive in self._date_format for directive in ("%H", "%I", "%c", "%X"))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
            return Moment(moment.astimezone(dt.UTC), is_day)
        except (ValueError, OverflowError):
            return None

    def _by_size(self, text: str, zone: ZoneInfo) -> Moment | None:
        whole = text.partition(".")[0]
        if len(whole) == _DAY_DIGITS:
            local = LOCAL_TIME.fullmatch(f"{whole[:4]}-{whole[4:6]}-{whole[6:]}")
            instant = local and local_instant(local, zone)
            if instant:
                return Moment(instant, is_day=True)
        for first, last, seconds in _SIZES:
            if first <= int(whole) < last:
                return Moment(_counted(text, seconds, EPOCH, zone if self._local_numbers else None))
        if self._day_numbers is None or not _FIRST_DAY <= int(whole) < _END_OF_DAYS:
            return None
        is_day = not text.partition(".")[2].strip("0")
        return Moment(_counted(text, Fraction(_DAY_S), _DAYS_SINCE[self._day_numbers], zone), is_day)

    def next_day(self, moment: Moment) -> Moment:
        """Return the first instant of the day after that of an instant, in the time zone."""
        local = moment.at.astimezone(self.zone)
        following = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), self.zone)
        return Moment(following.astimezone(dt.UTC), is_day=True)

    def is_last_second(self, moment: Moment) -> bool:
        """Tell whether an instant lies in the last second of a day, in the time zone."""
        local = moment.at.astimezone(self.zone)
        return (local.hour, local.minute, local.second) == (23, 59, 59)

    def amount(self, row: Node, name: str, *, currency: Currency, is_minor: bool) -> Amount | None:
        """Return the amount in a cell; None where there is no value.

        Args:
            row: Of the cell.
            name: Of its column.
            currency: Of its row. Where neither the row nor the amount says one, it counts as one with two decimals.
            is_minor: Whether the column says that it holds minor units, as `amount_cents` does.
        """
        if not self.has_value(row, name):
            return None
        is_minor = is_minor or self._money == "minor"
        number, code = self._number(row, name, currency, is_minor=is_minor)
        decimals = -int(number.as_tuple().exponent)
        if number < 0:
            raise row.wrong(name, "must be an amount from 0")
        if number.adjusted() > _AMOUNT_DIGITS_MAX or decimals > _AMOUNT_DIGITS_MAX:
            raise row.wrong(name, "must have fewer digits")
        value = Fraction(number)
        if is_minor:
            if value.denominator != 1:
                raise row.wrong(name, "must be whole minor units, such as cents")
            return Amount(value, code)
        # 4900.0 may be cents in a column that has become one of floats; a second decimal is written of money alone.
        shows_major = value.denominator != 1 or decimals >= 2
        if self._money is None and value and not shows_major:
            raise row.wrong(name, f"does not show its unit: {_MONEY_IS}")
        return Amount(value * 10 ** decimals_of(code), code)

    def _number(self, row: Node, name: str, currency: Currency, *, is_minor: bool) -> tuple[Decimal, str]:
        """Return the number of an amount, and its currency."""
        found = row.get(name)
        if isinstance(found, int | Decimal) and not isinstance(found, bool):
            return Decimal(found), currency.stated or currency.default
        text = found.strip() if isinstance(found, str) and len(found) <= _CELL_CHARACTERS_MAX else ""
        inner = _IN_WORDS.fullmatch(text)
        plain = None if inner is None else self._plain(inner[2])
        if inner is None or plain is None:
            advice = "" if self._decimal_comma else _advised(self._advice.decimals)
            raise row.wrong(name, f"must be an amount{advice}")
        try:
            code = currency_said((inner[1], inner[3]), stated=currency.stated, default=currency.default)
            self._check_clear(inner[2], row, name, code, is_minor=is_minor)
            return Decimal(plain), code
        except CurrencyProblem as problem:
            raise row.wrong(name, f"{problem}{_advised(self._advice.currency) if problem.is_open else ''}") from problem
        except InvalidOperation as error:
            raise row.wrong(name, "must be an amount") from error

    def _check_clear(self, digits: str, row: Node, name: str, currency: str, *, is_minor: bool) -> None:
        """Refuse an amount of which nothing says whether its sign stands before thousands or before decimals."""
        unclear = _UNCLEAR.fullmatch(digits) if self._decimal_comma is None else None
        if unclear is None:
            return
        if (unclear[1] == "," and is_minor) or (unclear[1] == "." and decimals_of(currency) == _UNCLEAR_DECIMALS):
            return
        advice = _advised(self._advice.unclear)
        raise row.wrong(name, f"is unclear: {unclear[1]} may stand before thousands or before decimals{advice}")

    def _plain(self, digits: str) -> str | None:
        """Return an amount without what separates thousands, with a point before its decimals; None for all others."""
        grouped = _GROUPED_WITH_COMMA if self._decimal_comma else _GROUPED
        if grouped.fullmatch(digits):
            digits = re.sub(r"[.' \u00a0\u202f]" if self._decimal_comma else r"[,' \u00a0\u202f]", "", digits)
        if not (_PLAIN_WITH_COMMA if self._decimal_comma else _PLAIN).fullmatch(digits):
            return None
        return digits.replace(",", ".")

    def interval(self, row: Node, name: str) -> tuple[str, int] | None:
        """Return the interval that a cell names and how many of them; None where there is no value."""
        text = self.text(row, name).lower()
        if not text:
            return None
        found = interval_in(self._intervals.get(text, text))
        if found is None:
            raise row.wrong(name, "must be an interval such as month, yearly or 3 months; say own words in intervals")
        return found


def interval_in(text: str) -> tuple[str, int] | None:
    """Return the interval that a text names and how many of them, as (month, 3); None where it names none."""
    word = re.sub(r"[\s_-]+", "_", text.strip().lower().removeprefix("per ").removeprefix("/")).removesuffix("_plan")
    if word in _UNITS:
        return _UNITS[word]
    counted = _COUNTED.fullmatch(text.strip().lower())
    unit = _UNITS.get(counted[2]) if counted else None
    if counted is None or unit is None or not int(counted[1]):
        return None
    assert unit[0] in PER_MONTH
    return unit[0], unit[1] * int(counted[1])


def _advised(advice: str) -> str:
    return f"; {advice}" if advice else ""


def _digits(number: int) -> str:
    # Python refuses to write integers of more than some thousand digits; no id is as long as that.
    return str(number) if number.bit_length() < _CELL_CHARACTERS_MAX else "9" * (_CELL_CHARACTERS_MAX + 1)


def _read_by(text: str, date_format: str) -> dt.datetime:
    return dt.datetime.strptime(text, date_format)  # noqa: DTZ007 - its zone is the caller's affair


def _by_text(text: str, zone: ZoneInfo) -> Moment | None:
    local = LOCAL_TIME.fullmatch(text)
    if local:
        instant = local_instant(local, zone)
        return None if instant is None else Moment(instant, is_day=local[2] is None)
    try:
        moment = dt.datetime.fromisoformat(exact_text(text))
        return None if moment.tzinfo is None else Moment(moment.astimezone(dt.UTC))
    except (ValueError, OverflowError):
        return None


def _counted(text: str, seconds: Fraction, since: dt.datetime, zone: ZoneInfo | None) -> dt.datetime:
    """Return the instant that a number counts to.

    Args:
        text: The number, with or without a point.
        seconds: Of one.
        since: What it counts from.
        zone: Whose clocks on the wall it counts by; None where it counts instants.
    """
    microseconds = Fraction(text.rstrip(".")) * seconds * 10**6
    at = since + dt.timedelta(microseconds=microseconds.numerator // microseconds.denominator)
    return at if zone is None else at.replace(tzinfo=zone).astimezone(dt.UTC)
