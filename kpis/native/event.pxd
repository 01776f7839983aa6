"""A usual event, as a record says it: its members, read by the rules of `schemas.decoding.decoder`.

What is not said plainly, or not usual, is left to that: it is never refused here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memset

from cpython.object cimport PyObject

from kpis.native.flat_json cimport ABSENT, INTEGER, MOST_MEMBERS, TEXT, TRUTH, MemberTable, Value, read_flat
from kpis.native.life cimport CANCEL, CHANGE, PAUSE, RESUME, SIGNUP
from kpis.native.messages cimport Text

cdef enum:
    # kinds of events, beside those of facts as `kpis.native.life` numbers them
    SURVEY = 6
    RENEWAL = 7
    ACTIVITY = 8
    OTHER = 9
    MOST_LABELS = 8
    MOST_CURRENCIES = 64
    TYPES = 9
    # members, as EventRules numbers them
    ID = 0
    SOURCE = 1
    TYPE = 2
    CUSTOMER = 3
    TIME = 4
    SEQUENCE = 5
    TEST = 6
    SUBSCRIPTION = 7
    EFFECTIVE = 8
    PLAN = 9
    MRR = 10
    CURRENCY = 11
    TRIAL = 12
    # what a price is sent as instead, in all of its parts
    AMOUNT = 13
    REASON = 14
    INVOLUNTARY = 15
    SURVEY_KIND = 16
    STATUS = 17
    SCORE = 18
    VIA = 19
    OUTCOME = 20
    FEATURE = 21
    INCENTIVE = 22
    LABELS = 23


cdef struct UsualEvent:
    int kind
    # its place among TYPES; of no meaning where the event is an object
    int type
    # event time, and the time at which it was said (ms since 1970)
    int64_t at_ms
    int64_t said_ms
    # Kafka's timestamp of its record (ms since 1970)
    int64_t arrived_ms
    int64_t sequence
    int64_t mrr
    bint trial
    bint involuntary
    # of a survey or a renewal: see `kpis.customer.feedback_codes`
    int code
    Text customer
    Text id
    Text source
    Text subscription
    Text plan
    Text currency
    # a reason, or a feature
    Text word
    # of a signup, in every dimension but plan
    Text labels[MOST_LABELS]
    # the hash that stands for source and id, once it was asked for
    bint is_hashed
    uint64_t identity
    # the number of its record in its batch
    Py_ssize_t record
    # that of its customer's slot in a table of states, and one; 0: nobody has looked
    int32_t slot
    # its texts lie in its record, labels among them; else in the object
    bint is_read
    # owned by a batch: the customer's id, and the event, as Python has them; NULL where nobody has asked
    PyObject *customer_id
    PyObject *object


cdef struct TypeRules:
    # of one of TYPES
    Text name
    int kind
    Text topic


cdef struct CurrencyRules:
    uint8_t code[3]
    # the first instant that has a rate (ms since 1970)
    int64_t since_ms


cdef struct Rules:
    MemberTable members
    TypeRules types[TYPES]
    CurrencyRules currencies[MOST_CURRENCIES]
    int currency_count
    int label_count
    int64_t tolerance_ms
    int64_t allowance_ms
    int64_t earliest_ms
    int64_t last_ms
    bint is_file
    Py_ssize_t most_bytes
    int64_t most_mrr
    Text unspecified
    # codes of surveys by kind, status, score + 1 and way, and of renewals by outcome, each in the order of the texts
    Text survey_kinds[2]
    Text statuses[3]
    Text ways[3]
    Text outcomes[3]
    int survey_codes[2][3][12][3]
    int renewal_codes[3]


cdef inline bint is_text(Text text, Text other) noexcept nogil:
    return text.size == other.size and (text.size == 0 or memcmp(text.start, other.start, text.size) == 0)


cdef inline int place_among(Text text, const Text *texts, int count) noexcept nogil:
    """Return which of some texts it is; -1: none."""
    cdef int n
    for n in range(count):
        if is_text(text, texts[n]):
            return n
    return -1


cdef inline bint two_digits(const uint8_t *at, int *number) noexcept nogil:
    if not (c'0' <= at[0] <= c'9' and c'0' <= at[1] <= c'9'):
        return False
    number[0] = (at[0] - c'0') * 10 + (at[1] - c'0')
    return True


cdef inline bint read_instant(Text text, int64_t *at_ms) noexcept nogil:
    """Read an instant of 2000 to 2099 as `2026-03-01T09:30:00.123Z` says it, or `+00:00`; up to six decimals, cut to ms."""
    cdef const uint8_t *at = text.start
    cdef Py_ssize_t size = text.size
    cdef int century, year, month, day, hour, minute, second, n, most
    cdef int64_t days, ms = 0
    if size > 6 and memcmp(at + size - 6, b"+00:00", 6) == 0:
        size -= 6
    elif size > 1 and at[size - 1] == c'Z':
        size -= 1
    else:
        return False
    if not 19 <= size <= 26:
        return False
    if at[4] != c'-' or at[7] != c'-' or at[10] != c'T' or at[13] != c':' or at[16] != c':':
        return False
    if not (two_digits(at, &century) and two_digits(at + 2, &year) and two_digits(at + 5, &month)):
        return False
    if not (two_digits(at + 8, &day) and two_digits(at + 11, &hour) and two_digits(at + 14, &minute)):
        return False
    if not two_digits(at + 17, &second) or century != 20 or not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        return False
    most = 30 + (month + month // 8) % 2 if month != 2 else 29 - (year % 4 != 0)
    if not 1 <= day <= most:
        return False
    if size > 19:
        if at[19] != c'.' or size == 20:
            return False
        for n in range(20, <int>size):
            if not c'0' <= at[n] <= c'9':
                return False
        for n in range(20, 23):
            ms = ms * 10 + (at[n] - c'0' if n < size else 0)
    # days from 2000-03-01 on: 10957 + 60 from 1970, in years that begin in March
    n = (month + 9) % 12
    if month < 3:
        year -= 1
    days = 11_017 + 365 * year + (year // 4 if year >= 0 else -1) + (153 * n + 2) // 5 + day - 1
    at_ms[0] = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms
    return True


cdef inline bint is_sized(const Value *value, Py_ssize_t least, Py_ssize_t most) noexcept nogil:
    """Return whether a member is a text of so many characters."""
    return value.kind == TEXT and least <= value.text.size <= most


cdef inline bint is_slug(Text text) noexcept nogil:
    cdef Py_ssize_t n
    cdef uint8_t c
    for n in range(text.size):
        c = text.start[n]
        if not (c'a' <= c <= c'z' or c'0' <= c <= c'9' or c == c'_' or c == c'-'):
            return False
    return 1 <= text.size <= 64


cdef inline bint is_reserved(Text text) noexcept nogil:
    return (text.size == 4 and memcmp(text.start, b"none", 4) == 0) or (
        text.size == 5 and memcmp(text.start, b"other", 5) == 0
    )


cdef inline bint take_truth(const Value *value, bint *truth) noexcept nogil:
    """Take a truth value; what is absent is false."""
    truth[0] = value.kind == TRUTH and value.number
    return value.kind == ABSENT or value.kind == TRUTH


cdef inline bint take_slug(const Value *value, Text absent, Text *word) noexcept nogil:
    if value.kind == ABSENT:
        word[0] = absent
        return True
    word[0] = value.text
    return value.kind == TEXT and is_slug(value.text)


cdef inline bint take_choice(const Value *value, const Text *texts, int count, int absent, int *place) noexcept nogil:
    """Take one of some texts; `absent` is the place of what is absent, -1 where it must not be."""
    place[0] = absent if value.kind == ABSENT else place_among(value.text, texts, count) if value.kind == TEXT else -1
    return place[0] >= 0


cdef inline bint take_price(const Rules *rules, const Value *members, UsualEvent *event) noexcept nogil:
    """Take plan, price and trial."""
    cdef int n
    if members[AMOUNT].kind != ABSENT or members[MRR].kind != INTEGER or members[MRR].number > rules.most_mrr:
        return False
    if not is_sized(&members[PLAN], 1, 64) or is_reserved(members[PLAN].text):
        return False
    event.plan, event.mrr = members[PLAN].text, members[MRR].number
    if not take_truth(&members[TRIAL], &event.trial):
        return False
    if members[CURRENCY].kind == ABSENT:
        return True
    event.currency = members[CURRENCY].text
    if not is_sized(&members[CURRENCY], 3, 3):
        return False
    for n in range(rules.currency_count):
        if memcmp(rules.currencies[n].code, event.currency.start, 3) == 0:
            return rules.currencies[n].since_ms <= event.at_ms
    return False


cdef inline bint take_labels(const Rules *rules, const Value *members, UsualEvent *event) noexcept nogil:
    """Take a signup's values of dimensions; the first of them is the country."""
    cdef int n
    cdef const Value *value
    for n in range(rules.label_count):
        value = &members[LABELS + n]
        if value.kind == ABSENT:
            continue
        event.labels[n] = value.text
        if n == 0:
            if not is_sized(value, 2, 2) or not (
                c'A' <= value.text.start[0] <= c'Z' and c'A' <= value.text.start[1] <= c'Z'
            ):
                return False
        elif not is_sized(value, 1, 64) or is_reserved(value.text):
            return False
    return True


cdef inline bint take_survey(const Rules *rules, const Value *members, UsualEvent *event) noexcept nogil:
    cdef int kind, status, way
    cdef int64_t score = -1
    if not (
        members[INCENTIVE].kind == ABSENT
        and take_choice(&members[SURVEY_KIND], rules.survey_kinds, 2, -1, &kind)
        and take_choice(&members[STATUS], rules.statuses, 3, 0, &status)
        and take_choice(&members[VIA], rules.ways, 3, 0, &way)
        and take_slug(&members[REASON], event.word, &event.word)
    ):
        return False
    if members[SCORE].kind != ABSENT:
        score = members[SCORE].number
        if members[SCORE].kind != INTEGER or score > 10:
            return False
    event.code = rules.survey_codes[kind][status][score + 1][way]
    return event.code >= 0


cdef inline bint read_event(const Rules *rules, Text json, int64_t arrived_ms, UsualEvent *event) noexcept nogil:
    """Read an event; False where the record is to be read in Python."""
    cdef Value members[MOST_MEMBERS]
    cdef int64_t limit_ms = arrived_ms + rules.tolerance_ms
    cdef int outcome
    cdef bint is_test, read
    if json.size > rules.most_bytes or not -1 <= arrived_ms <= rules.last_ms:
        return False
    if not read_flat(json, &rules.members, members):
        return False
    if not (is_sized(&members[ID], 1, 256) and is_sized(&members[CUSTOMER], 1, 128) and members[TIME].kind == TEXT):
        return False
    if members[TYPE].kind != TEXT or (members[SEQUENCE].kind != ABSENT and members[SEQUENCE].kind != INTEGER):
        return False
    if not take_truth(&members[TEST], &is_test) or is_test or not read_instant(members[TIME].text, &event.at_ms):
        return False
    if rules.is_file or limit_ms > rules.last_ms:
        limit_ms = rules.last_ms
    if not rules.earliest_ms <= event.at_ms <= limit_ms:
        return False
    event.type = 0
    while event.type < TYPES and not is_text(members[TYPE].text, rules.types[event.type].name):
        event.type += 1
    if event.type == TYPES:
        return False
    event.kind, event.said_ms, event.arrived_ms = rules.types[event.type].kind, event.at_ms, arrived_ms
    event.is_read = True
    event.id, event.customer, event.source = members[ID].text, members[CUSTOMER].text, rules.types[event.type].topic
    if members[SOURCE].kind != ABSENT:
        event.source = members[SOURCE].text
        if members[SOURCE].kind != TEXT:
            return False
    event.sequence = members[SEQUENCE].number if members[SEQUENCE].kind == INTEGER else 0
    if event.kind == ACTIVITY:
        return take_slug(&members[FEATURE], event.word, &event.word)
    if event.kind == SURVEY:
        return take_survey(rules, members, event)
    if event.kind == RENEWAL:
        read = take_choice(&members[OUTCOME], rules.outcomes, 3, -1, &outcome)
        event.code = rules.renewal_codes[outcome] if read else -1
        return read
    return take_fact(rules, members, limit_ms, event)


cdef inline bint take_fact(const Rules *rules, const Value *members, int64_t limit_ms, UsualEvent *event) noexcept nogil:
    """Take what a fact of the timeline says."""
    if members[SUBSCRIPTION].kind != ABSENT:
        event.subscription = members[SUBSCRIPTION].text
        if not is_sized(&members[SUBSCRIPTION], 0, 128):
            return False
    if members[EFFECTIVE].kind != ABSENT:
        if members[EFFECTIVE].kind != TEXT or not read_instant(members[EFFECTIVE].text, &event.at_ms):
            return False
        if not rules.earliest_ms <= event.at_ms <= limit_ms + rules.allowance_ms:
            return False
    if event.kind == CANCEL:
        return take_slug(&members[REASON], rules.unspecified, &event.word) and take_truth(
            &members[INVOLUNTARY], &event.involuntary
        )
    if event.kind == SIGNUP:
        return take_price(rules, members, event) and take_labels(rules, members, event)
    return take_price(rules, members, event) if event.kind == CHANGE else True
