"""Records as they lie on the wire, and the events that they say, without an object for each; see docs/native.md."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF, Py_XINCREF
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from kpis.native.event cimport (
    ACTIVITY, AMOUNT, CANCEL, CHANGE, CURRENCY, CUSTOMER, EFFECTIVE, FEATURE, ID, INCENTIVE, INVOLUNTARY, LABELS,
    MOST_CURRENCIES, MOST_LABELS, MRR, OTHER, OUTCOME, PAUSE, PLAN, REASON, RENEWAL, RESUME, SCORE, SEQUENCE, SIGNUP,
    SOURCE, STATUS, SUBSCRIPTION, SURVEY, SURVEY_KIND, TEST, TIME, TRIAL, TYPE, VIA, Rules, UsualEvent, is_text,
    read_event,
)
from kpis.native.flat_json cimport MEMBER_SLOTS, slot_of
from kpis.native.messages cimport Text

from collections import Counter

import numpy as np

from kpis.customer.feedback_codes import CODE, renewal_code
from schemas.decoding.rules import EARLIEST_MS, EFFECTIVE_ALLOWANCE_MS, SCORES
from schemas.events import (
    MRR_MINOR_MAX, Activity, Cancel, Downgrade, LifecycleEvent, Pause, Renewal, Resume, Signup, Survey, Upgrade,
)
from schemas.instants import milliseconds
from schemas.survey_scales import COUNTED_SCALES

cdef extern from *:
    """
    #ifndef NATIVE_SOURCES
    #error "compile it with tools/build-native"
    #endif
    """
    const char *NATIVE_SOURCES

#: digest of what this was compiled from
SOURCES = NATIVE_SOURCES.decode()

cdef dict _MEMBERS = {
    "id": ID, "source": SOURCE, "type": TYPE, "customer_id": CUSTOMER, "time": TIME, "sequence": SEQUENCE, "test": TEST,
    "subscription_id": SUBSCRIPTION, "effective_at": EFFECTIVE, "plan": PLAN, "mrr_minor": MRR, "currency": CURRENCY,
    "trial": TRIAL, "amount_minor": AMOUNT, "interval": AMOUNT, "interval_count": AMOUNT, "quantity": AMOUNT,
    "reason": REASON, "involuntary": INVOLUNTARY, "kind": SURVEY_KIND, "status": STATUS, "score": SCORE, "via": VIA,
    "outcome": OUTCOME, "feature": FEATURE, "incentive": INCENTIVE,
}
# in the order in which they are looked for
cdef tuple _TYPES = (Activity, Survey, Signup, Upgrade, Downgrade, Cancel, Renewal, Pause, Resume)
cdef dict _KINDS = {
    Signup: SIGNUP, Upgrade: CHANGE, Downgrade: CHANGE, Pause: PAUSE, Resume: RESUME, Cancel: CANCEL, Survey: SURVEY,
    Renewal: RENEWAL, Activity: ACTIVITY,
}


# ------------------------------------------------------------------------- records


cdef class PackedRecords:
    """Records without headers of one partition; a sequence of what `make` makes.

    Args:
        make: Makes a record of topic, partition, offset, timestamp, key, value and headers.
        topics, partition: Where they lie.
    """

    def __cinit__(self, object make, tuple topics, int partition):
        self.each = NULL
        self.count = 0
        self.make, self.topics, self.partition = make, topics, partition
        self.kept, self.made = (), {}

    def __dealloc__(self):
        free(self.each)

    @staticmethod
    def parsed(object make, str topic, int partition, bytes body, Py_ssize_t count, *, int64_t base_offset,
               int64_t first_timestamp, object timestamp):
        """Return the records of a batch of Kafka's format 2.

        Args:
            make, topic, partition: See the class.
            body: The records, not compressed.
            count: How many there are.
            base_offset, first_timestamp: What those of the records are counted from.
            timestamp: Of all records, where the broker has set it; None: each has its own.

        Returns:
            None where a record has headers, or they are not laid out as they should be.
        """
        cdef PackedRecords found = PackedRecords(make, (topic,), partition)
        cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(body)
        cdef const uint8_t *end = at + PyBytes_GET_SIZE(body)
        cdef const uint8_t *record_end
        cdef PackedRecord *each
        cdef int64_t size, headers
        cdef int64_t common = 0 if timestamp is None else timestamp
        cdef bint is_common = timestamp is not None
        if not 0 <= count <= end - at:
            return None
        found.make_room(count)
        found.kept = (body,)
        while found.count < count:
            each = found.each + found.count
            each.topic = 0
            if not read_varint(&at, end, &size) or not 0 <= size <= end - at:
                return None
            record_end = at + size
            if at == record_end:
                return None
            at += 1  # attributes, of which there are none
            if not read_varint(&at, record_end, &each.timestamp) or not read_varint(&at, record_end, &each.offset):
                return None
            each.timestamp = common if is_common else each.timestamp + first_timestamp
            each.offset += base_offset
            if not read_bytes(&at, record_end, &each.key, &each.key_size):
                return None
            if not read_bytes(&at, record_end, &each.value, &each.value_size):
                return None
            if not read_varint(&at, record_end, &headers) or headers or at != record_end:
                return None
            found.count += 1
        return found if at == end else None

    @staticmethod
    def joined(list parts):
        """Return the records of several of these, of one partition, in a row."""
        cdef PackedRecords part, first = parts[0]
        cdef PackedRecords found = PackedRecords(first.make, (), first.partition)
        cdef Py_ssize_t n, count = 0
        for part in parts:
            count += part.count
        found.make_room(count)
        for part in parts:
            assert part.partition == first.partition, "of several partitions"
            memcpy(found.each + found.count, part.each, part.count * sizeof(PackedRecord))
            for n in range(found.count, found.count + part.count):
                found.each[n].topic += <int>len(found.topics)
            found.topics += part.topics
            found.kept += part.kept
            for n, record in part.made.items():
                found.made[found.count + n] = record
            found.count += part.count
        return found

    cdef int make_room(self, Py_ssize_t count) except -1:
        self.each = <PackedRecord *>malloc(max(1, count) * sizeof(PackedRecord))
        if self.each is NULL:
            raise MemoryError
        return 0

    def __len__(self):
        return self.count

    def __getitem__(self, object which):
        cdef PackedRecords part
        cdef Py_ssize_t n
        if isinstance(which, slice):
            start, stop, step = which.indices(self.count)
            assert step == 1, "records in a row"
            part = PackedRecords(self.make, self.topics, self.partition)
            part.make_room(max(0, stop - start))
            part.count, part.kept = max(0, stop - start), self.kept
            memcpy(part.each, self.each + <Py_ssize_t>start, part.count * sizeof(PackedRecord))
            part.made = {number - start: record for number, record in self.made.items() if start <= number < stop}
            return part
        n = which
        n = n + self.count if n < 0 else n
        if not 0 <= n < self.count:
            raise IndexError(which)
        if n not in self.made:
            self.made[n] = self.make(
                self.topics[self.each[n].topic], self.partition, self.each[n].offset, self.each[n].timestamp,
                bytes_of(self.each[n].key, self.each[n].key_size), bytes_of(self.each[n].value, self.each[n].value_size),
                (),
            )
        return self.made[n]

    def __iter__(self):
        cdef Py_ssize_t n
        for n in range(self.count):
            yield self[n]

    def first_from(self, int64_t offset):
        """Return the number of the first record from an offset on; all are of one topic, and in its order."""
        cdef Py_ssize_t low = 0, high = self.count, middle
        while low < high:
            middle = (low + high) // 2
            if self.each[middle].offset < offset:
                low = middle + 1
            else:
                high = middle
        return low

    def timestamps(self):
        """Return Kafka's timestamps (ms since 1970)."""
        found = np.empty(self.count, np.int64)
        cdef int64_t[::1] each = found
        cdef Py_ssize_t n
        for n in range(self.count):
            each[n] = self.each[n].timestamp
        return found

    def sizes(self):
        """Return of how many bytes key and value of each record are together."""
        found = np.empty(self.count, np.int64)
        cdef int64_t[::1] each = found
        cdef Py_ssize_t n
        for n in range(self.count):
            each[n] = max(0, self.each[n].key_size) + max(0, self.each[n].value_size)
        return found


cdef bytes bytes_of(const uint8_t *start, Py_ssize_t size):
    return None if size < 0 else PyBytes_FromStringAndSize(<const char *>start, size)


cdef inline bint read_varint(const uint8_t **at, const uint8_t *end, int64_t *number) noexcept nogil:
    """Read a number of Kafka's, the low bits first, its sign the lowest; False where there is none."""
    cdef uint64_t found = 0
    cdef uint8_t byte
    cdef int shift = 0
    while at[0] < end and shift < 64:
        byte = at[0][0]
        at[0] += 1
        found |= <uint64_t>(byte & 127) << shift
        if byte < 128:
            number[0] = <int64_t>(found >> 1) ^ -<int64_t>(found & 1)
            return True
        shift += 7
    return False


cdef inline bint read_bytes(
    const uint8_t **at, const uint8_t *end, const uint8_t **start, Py_ssize_t *size
) noexcept nogil:
    """Read bytes whose length stands before them, -1 for none."""
    cdef int64_t length
    if not read_varint(at, end, &length) or length < -1 or length > end - at[0]:
        return False
    start[0], size[0] = at[0], <Py_ssize_t>length
    at[0] += max(0, length)
    return True


# ------------------------------------------------------------------------- rules


cdef class EventRules:
    """The rules of a decoder, as `kpis.native.event` reads by them.

    Args:
        labels: The members of a signup that are its values of dimensions but the plan, the country first.
        currencies: Those with a rate, the default one among them, each with the first instant that has one (ms since
            1970); what has more than there is room for is left to Python.
        tolerance_ms, last_ms, is_file, most_bytes: See `schemas.decoding.decoder.Decoder`.
    """

    def __init__(self, tuple labels, dict currencies, *, int64_t tolerance_ms, int64_t last_ms, bint is_file,
                 Py_ssize_t most_bytes):
        cdef Rules *rules = &self.rules
        cdef int n, k, s, way, score
        memset(rules, 0, sizeof(Rules))
        assert labels[:1] == ("country",), labels
        self.kept, self.labels = [], labels[:MOST_LABELS]
        for name, number in _MEMBERS.items():
            self.add_member(name, number)
        for n, name in enumerate(labels):
            # a signup with one that there is no room for is left to Python, as one with a price by amount is
            self.add_member(name, LABELS + n if n < MOST_LABELS else AMOUNT)
        for n, event_type in enumerate(_TYPES):
            rules.types[n].name, rules.types[n].topic = self.keep(event_type.TYPE), self.keep(event_type.TOPIC)
            rules.types[n].kind = _KINDS[event_type]
        for code, since_ms in list(currencies.items())[:MOST_CURRENCIES]:
            memcpy(rules.currencies[rules.currency_count].code, self.keep(code).start, 3)
            rules.currencies[rules.currency_count].since_ms = since_ms
            rules.currency_count += 1
        rules.label_count = len(self.labels)
        rules.tolerance_ms, rules.last_ms, rules.is_file = tolerance_ms, last_ms, is_file
        rules.earliest_ms, rules.allowance_ms = EARLIEST_MS, EFFECTIVE_ALLOWANCE_MS
        rules.most_bytes, rules.most_mrr, rules.unspecified = most_bytes, MRR_MINOR_MAX, self.keep("unspecified")
        kinds, statuses, ways = COUNTED_SCALES, ("answered", "sent", "dismissed"), ("in_app", "email", "outreach")
        for k, kind in enumerate(kinds):
            rules.survey_kinds[k] = self.keep(kind)
            for s, status in enumerate(statuses):
                rules.statuses[s] = self.keep(status)
                for way, name in enumerate(ways):
                    rules.ways[way] = self.keep(name)
                    for score in range(-1, 11):
                        code = CODE[kind, status, score, name] if score in SCORES[kind][status] else -1
                        rules.survey_codes[k][s][score + 1][way] = code
        for n, outcome in enumerate(("renewed", "declined", "failed")):
            rules.outcomes[n], rules.renewal_codes[n] = self.keep(outcome), renewal_code(outcome)

    cdef int add_member(self, str name, int number) except -1:
        cdef Text text = self.keep(name)
        cdef unsigned int slot = slot_of(text)
        while self.rules.members.names[slot].start is not NULL:
            slot = (slot + 1) % MEMBER_SLOTS
        self.rules.members.names[slot], self.rules.members.numbers[slot] = text, number
        return 0

    cdef Text keep(self, str text):
        """Return a text that lives as long as the rules."""
        self.kept.append(text)
        return text_of(text)


# ------------------------------------------------------------------------- events


cdef Text text_of(object text):
    """Return the bytes of a string, which live as long as it does."""
    cdef Text found
    found.start = <const uint8_t *>PyUnicode_AsUTF8AndSize(text, &found.size)
    return found


cdef object describe(object event, int64_t at_ms, UsualEvent *into):
    """Have an event as it is folded; its texts live as long as it does. Labels of a signup are left out."""
    cdef PyObject *known = PyDict_GetItem(_KINDS, type(event))
    memset(into, 0, sizeof(UsualEvent))
    into.kind = <object>known if known is not NULL else SIGNUP if isinstance(event, Signup) else OTHER
    into.at_ms, into.said_ms = at_ms, at_ms
    into.object = <PyObject *>event
    into.customer, into.id, into.source = text_of(event.customer_id), text_of(event.id), text_of(event.source)
    into.sequence = event.sequence
    if isinstance(event, LifecycleEvent):
        into.subscription = text_of(event.subscription_id)
        if event.effective_at is not None:
            into.said_ms = milliseconds(event.time)
    if into.kind == SIGNUP or into.kind == CHANGE:
        into.plan, into.currency, into.mrr = text_of(event.plan), text_of(event.currency), event.mrr_minor
        into.trial = event.trial
    elif into.kind == CANCEL:
        into.word, into.involuntary = text_of(event.reason), event.involuntary
    elif into.kind == SURVEY:
        if event.kind in COUNTED_SCALES:
            into.word, into.code = text_of(event.reason), CODE[event.kind, event.status, event.score, event.via]
        else:
            into.kind = OTHER
    elif into.kind == RENEWAL:
        into.code = renewal_code(event.outcome)
    elif into.kind == ACTIVITY:
        into.word = text_of(event.feature)


cdef class EventBatch:
    """The events of a batch: usual ones as their records say them, others as Python has read them; a sequence of events.

    Args:
        records: The batch's, a list or PackedRecords.
        rules: By which they are read.
        event_of: Returns the event that a record says; it is asked where somebody wants to see one.
    """

    def __cinit__(self, object records, EventRules rules, object event_of):
        self.each = NULL
        self.count = self.room = 0
        self.records, self.rules, self.event_of = records, rules, event_of
        self.found_in, self.found_at = None, 0

    def __dealloc__(self):
        cdef Py_ssize_t n
        for n in range(self.count):
            Py_XDECREF(self.each[n].customer_id)
            Py_XDECREF(self.each[n].object)
        free(self.each)

    cdef UsualEvent *next(self, Py_ssize_t record) except NULL:
        """Return room for one more event, which is none yet."""
        cdef UsualEvent *each
        if self.count == self.room:
            each = <UsualEvent *>realloc(self.each, (2 * self.room + 64) * sizeof(UsualEvent))
            if each is NULL:
                raise MemoryError
            self.each, self.room = each, 2 * self.room + 64
        each = self.each + self.count
        memset(each, 0, sizeof(UsualEvent))
        each.record = record
        return each

    def read(self, Py_ssize_t start, Py_ssize_t stop):
        """Read the records from number `start` to before `stop`; return the numbers of those that Python has to read."""
        cdef PackedRecords packed = self.records if isinstance(self.records, PackedRecords) else None
        cdef Text json
        cdef UsualEvent *event
        cdef int64_t arrived_ms
        cdef Py_ssize_t n
        left = []
        for n in range(start, stop):
            event = self.next(n)
            if packed is not None:
                json.start, json.size, arrived_ms = packed.each[n].value, packed.each[n].value_size, packed.each[n].timestamp
            else:
                record = self.records[n]
                value = record.value
                if not PyBytes_CheckExact(value) or record.headers or not -1 <= record.timestamp <= self.rules.rules.last_ms:
                    left.append(n)
                    continue
                json.start, json.size = <const uint8_t *>PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
                arrived_ms = record.timestamp
            if json.size > 0 and read_event(&self.rules.rules, json, arrived_ms, event):
                self.count += 1
            else:
                left.append(n)
        return left

    def put(self, Py_ssize_t record, object event, int64_t at_ms):
        """Add an event that Python has read of the record with a number."""
        cdef UsualEvent *into = self.next(record)
        describe(event, at_ms, into)
        into.record, into.arrived_ms = record, self.record_at(record).timestamp
        Py_INCREF(event)
        self.count += 1

    cdef object record_at(self, Py_ssize_t number):
        return self.records[number]

    def picked(self, object numbers):
        """Return a batch of some of the events, in the order of their numbers as given (integers)."""
        cdef EventBatch found = EventBatch(self.records, self.rules, self.event_of)
        cdef const int64_t[::1] which = np.ascontiguousarray(numbers, np.int64)
        cdef Py_ssize_t n
        found.each = <UsualEvent *>malloc(max(1, which.shape[0]) * sizeof(UsualEvent))
        if found.each is NULL:
            raise MemoryError
        found.room = max(1, which.shape[0])
        found.found_in, found.found_at = self.found_in, self.found_at
        for n in range(which.shape[0]):
            assert 0 <= which[n] < self.count, "there is no such event"
            found.each[n] = self.each[which[n]]
            Py_XINCREF(found.each[n].customer_id)
            Py_XINCREF(found.each[n].object)
            found.count += 1
        return found

    # -- a sequence of events

    def __len__(self):
        return self.count

    def __getitem__(self, Py_ssize_t n):
        cdef UsualEvent *each
        if not 0 <= n < self.count:
            raise IndexError(n)
        each = self.each + n
        if each.object is NULL:
            event = self.event_of(self.record_at(each.record))
            Py_INCREF(event)
            each.object = <PyObject *>event
        return <object>each.object

    def __setitem__(self, Py_ssize_t n, object event):
        """Have another event in the place of one, of the same time."""
        cdef UsualEvent before
        if not 0 <= n < self.count:
            raise IndexError(n)
        before = self.each[n]
        describe(event, before.at_ms, self.each + n)
        Py_INCREF(event)
        self.each[n].record, self.each[n].arrived_ms = before.record, before.arrived_ms
        Py_XDECREF(before.customer_id)
        Py_XDECREF(before.object)

    def __iter__(self):
        cdef Py_ssize_t n
        for n in range(self.count):
            yield self[n]

    # -- what is known of all of them

    cdef object customer_of(self, UsualEvent *event):
        """Return the customer's id."""
        if event.customer_id is NULL:
            if event.object is not NULL:
                customer_id = (<object>event.object).customer_id
            else:
                customer_id = PyUnicode_DecodeASCII(<const char *>event.customer.start, event.customer.size, NULL)
            Py_INCREF(customer_id)
            event.customer_id = <PyObject *>customer_id
        return <object>event.customer_id

    def customers(self):
        """Return the customers, each once, in the order of their first events."""
        cdef Py_ssize_t n
        found = {}
        for n in range(self.count):
            found[self.customer_of(self.each + n)] = None
        return list(found)

    def times(self):
        """Return the event times (ms since 1970)."""
        found = np.empty(self.count, np.int64)
        cdef int64_t[::1] each = found
        cdef Py_ssize_t n
        for n in range(self.count):
            each[n] = self.each[n].at_ms
        return found

    def arrived_ms(self):
        """Return Kafka's timestamps of the records (ms since 1970)."""
        found = np.empty(self.count, np.int64)
        cdef int64_t[::1] each = found
        cdef Py_ssize_t n
        for n in range(self.count):
            each[n] = self.each[n].arrived_ms
        return found

    def record_numbers(self):
        """Return the numbers of the records."""
        found = np.empty(self.count, np.int64)
        cdef int64_t[::1] each = found
        cdef Py_ssize_t n
        for n in range(self.count):
            each[n] = self.each[n].record
        return found

    def read_natively(self):
        """Return how many of the events were read natively (count)."""
        cdef Py_ssize_t n, count = 0
        for n in range(self.count):
            count += self.each[n].is_read
        return count

    def record_of(self, Py_ssize_t n):
        """Return the record of an event."""
        if not 0 <= n < self.count:
            raise IndexError(n)
        return self.record_at(self.each[n].record)

    def places(self):
        """Return of each event the offset of its record, and the number of its topic among those of PackedRecords."""
        cdef PackedRecords packed = self.records
        offsets, topics = np.empty(self.count, np.int64), np.empty(self.count, np.int64)
        cdef int64_t[::1] all_offsets = offsets, all_topics = topics
        cdef Py_ssize_t n
        for n in range(self.count):
            all_offsets[n], all_topics[n] = packed.each[self.each[n].record].offset, packed.each[self.each[n].record].topic
        return offsets, topics

    def latest_ms(self):
        """Return the latest time at which an event was said (ms since 1970); 0 where there is none."""
        cdef int64_t latest = 0
        cdef Py_ssize_t n
        for n in range(self.count):
            latest = max(latest, self.each[n].said_ms)
        return latest

    def feeds(self):
        """Return how many events there are by type and source."""
        cdef dict counts = {}
        cdef Py_ssize_t n, run = 0
        cdef UsualEvent *each
        cdef UsualEvent *before[16]
        cdef Py_ssize_t times[16]
        cdef int seen = 0, k
        found = Counter()
        for n in range(self.count):
            each = self.each + n
            if each.object is not NULL:
                event = <object>each.object
                found[event.TYPE, event.source] += 1
                continue
            for k in range(seen):
                if before[k].type == each.type and is_text(before[k].source, each.source):
                    times[k] += 1
                    break
            else:
                if seen < 16:
                    before[seen], times[seen] = each, 1
                    seen += 1
                else:
                    found[self.feed_of(each)] += 1
        for k in range(seen):
            found[self.feed_of(before[k])] += times[k]
        return found

    cdef tuple feed_of(self, UsualEvent *event):
        source = PyUnicode_DecodeASCII(<const char *>event.source.start, event.source.size, NULL)
        return _TYPES[event.type].TYPE, source
