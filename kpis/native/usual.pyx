"""The usual events of a batch, folded natively; see docs/native.md.

An event is usual where it comes after all else that is known of its customer. Whatever is not is left to `kpis.fold`,
which gives the same states and rows for all of them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

from kpis.native.batch cimport EventBatch, describe
from kpis.native.event cimport ACTIVITY, MOST_LABELS, OTHER, RENEWAL, SURVEY, UsualEvent
from kpis.native.hashing cimport MOST_HASHED_BYTES, hash_of_text, xxh3
from kpis.native.life cimport (
    CANCEL, CHANGE, PAUSE, RESUME, SIGNUP, Fact, Holdings, Life, Movement, Standing, arrived, begin_life, close_bucket,
    departed, is_plain, last_movement, mrr_of, place_of, read_fact, run_fact, run_waiting, take_fact,
)
from kpis.native.messages cimport (
    Reader, Text, Writer, begin_array, begin_bytes, begin_string, read_integer, write_integer, write_kind, write_raw,
    write_truth,
)
from kpis.native.states cimport StateTable
from kpis.native.state cimport (
    LATEST_MS, Addition, State, holds, letter, little_endian, nobody, read_state, write_little_endian, write_state,
)

from kpis.customer.feedback_codes import ANSWERED, CLASS
from kpis.rows import (
    CANCELLED, CONVERTED, DOWNGRADED, ENDED, ENGAGED, ENGAGED_AGAIN, FEEDBACK, GONE, INVOLUNTARY, KEPT, LIVELY, MOVED,
    NEW, OF_NEW, PAUSED, REACTIVATED, SEVERAL, SIGNED_UP, STARTED, SUBSCRIPTIONS, TRIAL, UPGRADED, WITHOUT_EFFECT,
)
from schemas.events import Revoke

cdef extern from *:
    """
    #ifndef NATIVE_SOURCES
    #error "compile it with tools/build-native"
    #endif
    """
    const char *NATIVE_SOURCES

#: digest of what this was compiled from
SOURCES = NATIVE_SOURCES.decode()

cdef enum:
    ROW = 7
    FEEDBACK_BYTES = 24
    STATE_BYTES = 128
    # so many events ahead the states of customers are fetched: they lie all over memory
    AHEAD = 4
    # a new state is at most so much longer than the one before (bytes)
    GROWTH = 2048

cdef int64_t WEEK_MS = 7 * 86_400_000
# sums of amounts below this one stay within 64 bits
cdef int64_t MOST_MINOR = 10 ** 15

cdef int CODE_NEW = NEW, CODE_REACTIVATED = REACTIVATED, CODE_CANCELLED = CANCELLED, CODE_UPGRADED = UPGRADED
cdef int CODE_DOWNGRADED = DOWNGRADED, CODE_MOVED = MOVED, CODE_INVOLUNTARY = INVOLUNTARY, CODE_SIGNED_UP = SIGNED_UP
cdef int CODE_GONE = GONE, CODE_LIVELY = LIVELY, CODE_STARTED = STARTED, CODE_ENDED = ENDED, CODE_ENGAGED = ENGAGED
cdef int CODE_FEEDBACK = FEEDBACK, CODE_OF_NEW = OF_NEW, CODE_KEPT = KEPT, CODE_AGAIN = ENGAGED_AGAIN
cdef int CODE_TRIAL = TRIAL, CODE_CONVERTED = CONVERTED, CODE_PAUSED = PAUSED, CODE_SEVERAL = SEVERAL
cdef int CODE_SUBSCRIPTIONS = SUBSCRIPTIONS

# by kind of fact
cdef int64_t _IN_VAIN[8]
cdef int _MEMBERS_OF[8]
_MEMBERS_OF[SIGNUP], _MEMBERS_OF[CHANGE], _MEMBERS_OF[CANCEL] = 13, 12, 9
_MEMBERS_OF[PAUSE] = _MEMBERS_OF[RESUME] = 7
# by code, of what codes there are: the class; whether it is an answer
cdef int64_t _CLASS_OF[2048]
cdef bint _IS_ANSWER[2048]
cdef int _n
for _n in range(8):
    _IN_VAIN[_n] = WITHOUT_EFFECT.get(_n, -1)
for _n in range(2048):
    _CLASS_OF[_n] = CLASS.get(_n, -1)
    _IS_ANSWER[_n] = _n in ANSWERED


cdef struct Amounts:
    # what a pair of a movement and a piece adds, see `kpis.fold.contribution`
    int64_t at
    int64_t plan
    int64_t new
    int64_t lost
    int64_t kept
    int64_t won


cdef struct Word:
    # malloc'ed; NULL is an empty slot
    uint8_t *start
    Py_ssize_t size
    uint64_t hash
    int64_t number


cdef class Lexicon:
    """Numbers of texts that are known for good; open addressing, half full at most."""

    cdef Word *words
    cdef Py_ssize_t room, count

    def __cinit__(self):
        self.room, self.count = 64, 0
        self.words = <Word *>calloc(self.room, sizeof(Word))
        if self.words is NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef Py_ssize_t n
        for n in range(self.room):
            free(self.words[n].start)
        free(self.words)

    cdef Word *find(self, Text text) noexcept nogil:
        """Return the slot of a text, or the empty one that it would take."""
        cdef uint64_t hashed = hash_of_text(text, 0)
        cdef Py_ssize_t place = hashed & <uint64_t>(self.room - 1)
        cdef Word *word = self.words + place
        while word.start is not NULL and not (
            word.hash == hashed and word.size == text.size
            and (text.size == 0 or memcmp(word.start, text.start, text.size) == 0)
        ):
            place = (place + 1) & (self.room - 1)
            word = self.words + place
        return word

    cdef int put(self, Text text, int64_t number) except -1:
        """Remember the number of a text that is not here."""
        cdef Word *before = self.words
        cdef Word *word
        cdef Py_ssize_t n, place, room = self.room
        if 2 * self.count >= self.room:
            self.words = <Word *>calloc(2 * room, sizeof(Word))
            if self.words is NULL:
                self.words = before
                raise MemoryError
            self.room = 2 * room
            for n in range(room):
                if before[n].start is not NULL:
                    place = before[n].hash & <uint64_t>(self.room - 1)
                    while self.words[place].start is not NULL:
                        place = (place + 1) & (self.room - 1)
                    self.words[place] = before[n]
            free(before)
        word = self.find(text)
        word.start = <uint8_t *>malloc(text.size + 1)
        if word.start is NULL:
            raise MemoryError
        if text.size:
            memcpy(word.start, text.start, text.size)
        word.size, word.hash, word.number = text.size, hash_of_text(text, 0), number
        self.count += 1
        return 0


cdef class UsualEvents:
    """Folds usual events of batches, one partition's at a time; not safe for use by two threads at once.

    Args:
        context: Of the fold: names, limits, and what counts.
    """

    cdef object context, names
    # numbers of names, and of sources the seeds of their hashes
    cdef Lexicon plans, reasons, features, profiles, currencies, sources
    cdef int64_t bucket_ms, few, few_bytes
    # of the batch
    cdef object events
    cdef list times, references
    # NULL where the events are a list: then `one` is the event at work
    cdef EventBatch batch
    cdef UsualEvent one
    # whether labels of signups are the names' dimensions, in their order
    cdef bint knows_labels
    # states by customer: a table, which notes itself what changes, or else a dictionary, and one of those that changed
    cdef StateTable table
    cdef dict states, changed
    cdef set left_customers
    cdef readonly list left
    cdef readonly int64_t applied
    # rows, ROW integers each
    cdef int64_t *rows
    cdef Py_ssize_t row_count, row_room
    # of the event at work
    cdef Life life
    cdef Py_ssize_t movement_room
    cdef Amounts *pairs
    cdef Py_ssize_t pair_room
    cdef Writer out
    cdef Writer piece
    cdef State state
    cdef Addition more

    def __cinit__(self, context):
        self.rows = NULL
        self.life.movements = NULL
        self.pairs = NULL
        self.out.start = self.piece.start = NULL
        self.row_count = self.row_room = self.movement_room = self.pair_room = 0
        self.out.room = self.piece.room = 0

    def __init__(self, context):
        self.context, self.names = context, context.names
        self.plans, self.reasons, self.features, self.profiles = Lexicon(), Lexicon(), Lexicon(), Lexicon()
        self.currencies, self.sources = Lexicon(), Lexicon()
        self.bucket_ms = self.life.bucket_ms = context.bucket_ms
        self.life.what.free_plans, self.life.what.paused = context.what.free_plans, context.what.paused
        self.life.what.trial_ms = context.what.trial_ms
        self.few, self.few_bytes = context.few, context.few_bytes
        self.begin([], [], {}, {}, [])

    def __dealloc__(self):
        free(self.rows)
        free(self.life.movements)
        free(self.pairs)
        free(self.out.start)
        free(self.piece.start)

    def begin(self, object events, list times, object states, dict changed, list references):
        """Take events that are to be folded, a list or an EventBatch; states that change are changed in both mappings.

        Where the first is a StateTable, `changed` stays as it is.
        """
        self.events, self.times, self.references = events, times, references
        self.batch = events if isinstance(events, EventBatch) else None
        self.knows_labels = self.batch is not None and self.batch.rules.labels == self.names.dimensions[1:]
        self.table = states if isinstance(states, StateTable) else None
        self.states, self.changed = states if self.table is None else None, changed
        self.left, self.left_customers = [], set()
        self.row_count, self.applied = 0, 0

    def go_on(self, Py_ssize_t start, int64_t work):
        """Fold the next events from number `start` on.

        Args:
            start: Events before it have been looked at.
            work: How much to do: an event is one of it, and one more for each 128 bytes of its customer's state.

        Returns:
            Up to where events have been looked at; those that are not folded are in `left`, by number.
        """
        cdef Py_ssize_t n = start, count = len(self.events)
        cdef UsualEvent *event
        while n < count and work > 0:
            if self.table is not None and self.batch is not None:
                self.table.fetch(self.batch, n + AHEAD, n + 2 * AHEAD)
            event = self.event_at(n)
            work -= 1
            if self.left_customers and self.customer_of(event) in self.left_customers:
                self.left.append(n)
            elif event.kind == OTHER or not self.fold(event, n, &work):
                self.left_customers.add(self.customer_of(event))
                self.left.append(n)
            n += 1
        return n

    def take_rows(self):
        """Return the rows since `begin`, and let go of the batch: integers of 64 bits in the machine's order, seven a row."""
        rows = PyBytes_FromStringAndSize(<char *>self.rows, self.row_count * ROW * sizeof(int64_t))
        self.begin([], [], {}, {}, [])
        return rows

    def may_reach_back(self, object events, object states, const int64_t[::1] numbers):
        """Return, of some numbers, those of revokes, and of events whose customer's state holds their hash anywhere."""
        cdef list out = []
        cdef UsualEvent *event
        cdef PyObject *stored
        cdef Text text
        cdef uint8_t identity[8]
        cdef Py_ssize_t k, n
        self.begin(events, [], states, {}, [])
        for k in range(numbers.shape[0]):
            n = numbers[k]
            assert 0 <= n < len(events), "there is no such event"
            if self.table is not None and self.batch is not None and k + 2 * AHEAD < numbers.shape[0]:
                self.table.fetch(self.batch, numbers[k + AHEAD], numbers[k + 2 * AHEAD])
            event = self.event_at(n)
            if event.kind == OTHER and type(<object>event.object) is Revoke:
                out.append(n)
                continue
            if event.kind == ACTIVITY or (event.kind == OTHER and not (<object>event.object).HAS_IDENTITY):
                continue
            stored = self.stored_of(event)
            if stored is NULL:
                continue
            self.identity_of(event, identity)
            text.start = <const uint8_t *>PyBytes_AS_STRING(<object>stored)
            text.size = PyBytes_GET_SIZE(<object>stored)
            if holds(text, identity, 8):
                out.append(n)
        self.begin([], [], {}, {}, [])
        return out

    cdef UsualEvent *event_at(self, Py_ssize_t n) except NULL:
        if self.batch is not None:
            return self.batch.each + n
        describe(self.events[n], self.times[n] if self.times else 0, &self.one)
        return &self.one

    cdef object customer_of(self, UsualEvent *event):
        return self.batch.customer_of(event) if self.batch is not None else (<object>event.object).customer_id

    cdef PyObject *stored_of(self, UsualEvent *event) except? NULL:
        """Return the state of an event's customer; NULL where there is none."""
        if self.table is None:
            return PyDict_GetItem(self.states, self.customer_of(event))
        return self.table.slots[self.table.slot_of_event(self.batch, event)].state

    # -- names

    cdef int identity_of(self, UsualEvent *event, uint8_t *into) except -1:
        """Write the hash that stands for (source, id), 8 bytes: see `kpis.fold.context`."""
        cdef Word *seed
        cdef int n
        if not event.is_hashed:
            seed = self.sources.find(event.source)
            if seed.start is not NULL and 0 < event.id.size <= MOST_HASHED_BYTES:
                event.identity = xxh3(event.id, <uint64_t>seed.number)
            else:
                source = str_of(event.source)
                event.identity = int.from_bytes(self.context.identity_of(source, str_of(event.id)), "big")
                known = self.context.sources.get(source)
                if known is not None and seed.start is NULL:
                    self.sources.put(event.source, <int64_t><uint64_t>known)
            event.is_hashed = True
        for n in range(8):
            into[n] = <uint8_t>(event.identity >> (56 - 8 * n))
        return 0

    cdef int64_t number_of(self, Lexicon known, Text text, object number, dict numbers) except -1:
        """Return the number of a name; `number` gives one, and `numbers` has those that hold for good."""
        cdef Word *word = known.find(text)
        if word.start is not NULL:
            return word.number
        name = str_of(text)
        found = number(name)
        if name in numbers:
            known.put(text, found)
        return found

    cdef int64_t profile_of(self, UsualEvent *event) except -1:
        """Return the number of what a signup says for good."""
        cdef uint8_t joined[1024]
        cdef Text text, label
        cdef int n, count
        names = self.names
        if not event.is_read:
            return names.profile(names.key_of(<object>event.object))
        if not self.knows_labels:
            return names.profile(names.key_of(self.batch[event - self.batch.each]))
        count = self.batch.rules.rules.label_count
        text.start, text.size = joined, 0
        for n in range(count):
            label = event.labels[n]
            if label.size:
                memcpy(joined + text.size, label.start, label.size)
            text.size += label.size
            joined[text.size] = 0  # no label has it
            text.size += 1
        if self.profiles.find(text).start is not NULL:
            return self.profiles.find(text).number
        asked = tuple([str_of(event.labels[n]) for n in range(count)])
        found = names.profile(asked)
        if asked in names.profiles:
            self.profiles.put(text, found)
        return found

    cdef bint fold(self, UsualEvent *event, Py_ssize_t n, int64_t *work) except -1:
        """Fold one event; False, with nothing changed, where it is not usual."""
        cdef PyObject *stored = self.stored_of(event)
        cdef int64_t at_ms = event.at_ms
        cdef int kind = event.kind
        cdef Py_ssize_t size = 0, rows = self.row_count
        cdef bint folded, changes = True
        if not 0 <= at_ms < LATEST_MS:
            return False
        if stored is NULL:
            nobody(&self.state)
        else:
            size = PyBytes_GET_SIZE(<object>stored)
            if not read_state(<const uint8_t *>PyBytes_AS_STRING(<object>stored), size, &self.state):
                return False
        if self.state.is_rare:
            return False
        work[0] -= size // STATE_BYTES
        self.reserve(size)
        if kind == ACTIVITY:
            folded = self.fold_activity(event, &changes)
        elif self.state.facts >= self.few or self.state.feedback.size >= self.few_bytes:
            return False
        elif self.state.touched and self.state.touched + self.state.facts >= self.few:
            return False
        elif kind == SURVEY or kind == RENEWAL:
            folded = self.fold_feedback(event, n)
        else:
            folded = self.fold_fact(event, n)
        if not folded:
            self.row_count = rows
            return False
        self.applied += 1
        if changes:
            write_state(&self.out, &self.state, &self.more)
            assert not self.out.failed, "a state has outgrown its room"
            state = PyBytes_FromStringAndSize(<char *>self.out.start, self.out.size)
            if self.table is not None:
                self.table.set_state(self.table.slot_of_event(self.batch, event), state)
            else:
                customer_id = self.customer_of(event)
                self.states[customer_id] = state
                self.changed[customer_id] = state
        return True

    cdef int reserve(self, Py_ssize_t size) except -1:
        """Make room for a state that is longer than one of this size, and for what is appended to it."""
        cdef Text nothing
        nothing.start, nothing.size = NULL, 0
        self.out.size = self.piece.size = 0
        self.out.failed = self.piece.failed = False
        if self.out.room < size + GROWTH:
            self.out.start = <uint8_t *>grown(self.out.start, 2 * size + GROWTH, 1)
            self.out.room = 2 * size + GROWTH
        if self.piece.room < GROWTH:
            self.piece.start = <uint8_t *>grown(self.piece.start, GROWTH, 1)
            self.piece.room = GROWTH
        self.more.life = self.more.feedback = self.more.acts = self.more.recent = nothing
        self.more.takes_recent = False
        self.more.run = 0
        return 0

    # -- rows

    cdef int row(self, int code, int64_t plan, int64_t i, int64_t j, int64_t n, int64_t m) except -1:
        """Append a row of the customer at work, unless it adds nothing."""
        cdef int64_t *here
        if n == 0 and m == 0:
            return 0
        if self.row_count == self.row_room:
            self.rows = <int64_t *>grown(self.rows, 2 * self.row_room + 1024, ROW * sizeof(int64_t))
            self.row_room = 2 * self.row_room + 1024
        here = self.rows + self.row_count * ROW
        here[0], here[1], here[2], here[3], here[4] = code, plan, self.state.profile, i, j
        here[5], here[6] = n, m
        self.row_count += 1
        return 0

    cdef int point(self, int code, int64_t plan, int64_t bucket, int64_t n, int64_t m) except -1:
        return self.row(code, plan, bucket, bucket, n, m)

    cdef int engagement(self, int64_t plan, int64_t i, int64_t j, int64_t n) except -1:
        """Append n times: engaged in bucket j (i == j), or again after bucket i."""
        if i == j:
            return self.row(CODE_ENGAGED, plan, j, j, n, 0)
        return self.row(CODE_AGAIN, plan, i, j, -n, 0)

    cdef int join(self, Py_ssize_t start, Py_ssize_t middle) noexcept:
        """Add rows from `middle` on to those from `start` on that have their key, as far as these come in one order."""
        cdef Py_ssize_t before = start, after, kept = middle
        cdef int64_t *one
        cdef int64_t *other
        for after in range(middle, self.row_count):
            other = self.rows + after * ROW
            one = self.rows + before * ROW
            if before < middle and memcmp(one, other, 5 * sizeof(int64_t)) == 0:
                one[5] += other[5]
                one[6] += other[6]
                before += 1
                continue
            if kept != after:
                copy_row(self.rows + kept * ROW, other)
            kept += 1
        self.row_count = kept
        kept = start
        for after in range(start, self.row_count):
            other = self.rows + after * ROW
            if other[5] == 0 and other[6] == 0:
                continue
            if kept != after:
                copy_row(self.rows + kept * ROW, other)
            kept += 1
        self.row_count = kept
        return 0

    # -- facts of the timeline

    cdef bint fold_fact(self, UsualEvent *event, Py_ssize_t n) except -1:
        """Fold a fact of the timeline: see `kpis.fold.append`."""
        cdef State *state = &self.state
        cdef int64_t at_ms = event.at_ms, bucket = at_ms // self.bucket_ms, profile
        cdef uint8_t identity[8]
        cdef Fact fact
        if at_ms <= state.last_at or at_ms < state.feedback_at or bucket < state.engaged_bucket:
            return False
        if state.first_at < 0 and state.was_onboarded:
            return False
        self.identity_of(event, identity)
        if self.is_known(identity):
            return False
        fact.kind, fact.at_ms, fact.sequence, fact.subscription = event.kind, at_ms, event.sequence, event.subscription
        if not self.run(LATEST_MS):
            return False
        profile = self.profile_of(event) if event.kind == SIGNUP else 0
        if not self.write_fact(&fact, event, identity, n, profile):
            return False
        if event.kind == SIGNUP and state.first_at < 0:
            self.move(profile)
            state.first_at, state.first_plan, state.profile = at_ms, fact.plan, profile
        if not self.add(&fact, bucket):
            return False
        state.is_open, state.active, state.plan = self.life.now.is_open, self.life.now.active, self.life.now.plan
        state.facts += 1
        state.last_at = at_ms
        return True

    cdef bint is_known(self, const uint8_t *identity) noexcept:
        if holds(self.state.life, identity, 8) or holds(self.state.feedback, identity, 8):
            return True
        return holds(self.state.touchpoints, identity, 8)

    cdef bint run(self, int64_t before_ms) except -1:
        """Run the customer's facts before an instant (ms since 1970) through the machines; False where they do not fit."""
        cdef Reader reader
        cdef Fact fact
        cdef int64_t n
        if self.movement_room < self.state.facts + 2:
            self.life.movements = <Movement *>grown(self.life.movements, 2 * self.state.facts + 16, sizeof(Movement))
            self.movement_room = 2 * self.state.facts + 16
        begin_life(&self.life)
        reader.at, reader.failed = self.state.life.start, False
        reader.end = self.state.life.start + self.state.life.size
        for n in range(self.state.facts):
            fact = read_fact(&reader)
            if reader.failed or not is_small(fact.mrr):
                return False
            if fact.at_ms >= before_ms:
                break
            take_fact(&self.life, &fact)
        run_waiting(&self.life)
        return not self.life.failed

    cdef bint write_fact(
        self, Fact *fact, UsualEvent *event, const uint8_t *identity, Py_ssize_t n, int64_t profile
    ) except -1:
        """Write a fact as it is stored; its plan and price, or what a cancel says, come from the event."""
        cdef Writer *piece = &self.piece
        cdef int64_t price = 0, currency = 0, amount, own_ms = 0 if event.said_ms == event.at_ms else event.said_ms
        names = self.names
        fact.plan = fact.mrr = 0
        fact.trial = fact.involuntary = False
        if fact.kind == SIGNUP or fact.kind == CHANGE:
            amount = event.mrr
            if event.currency.size:
                currency = self.number_of(self.currencies, event.currency, names.currency, names.currencies)
            if currency:
                price = amount
                converted = names.money.convert(amount, str_of(event.currency), fact.at_ms)
                if not -MOST_MINOR < converted < MOST_MINOR:
                    return False
                amount = converted
            fact.plan = self.number_of(self.plans, event.plan, names.plan, names.plans)
            fact.mrr, fact.trial = amount, event.trial
        begin_array(piece, _MEMBERS_OF[fact.kind])
        write_integer(piece, fact.kind)
        write_integer(piece, fact.at_ms)
        write_integer(piece, fact.sequence)
        begin_bytes(piece, 8)
        write_raw(piece, identity, 8)
        write_integer(piece, self.references[n])
        begin_string(piece, fact.subscription.size)
        write_raw(piece, fact.subscription.start, fact.subscription.size)
        write_integer(piece, own_ms)
        if fact.kind == CANCEL:
            fact.involuntary = event.involuntary
            write_integer(piece, self.number_of(self.reasons, event.word, names.reason, names.reasons))
            write_truth(piece, fact.involuntary)
        elif fact.kind == SIGNUP or fact.kind == CHANGE:
            write_integer(piece, fact.plan)
            write_integer(piece, fact.mrr)
            write_integer(piece, price)
            write_integer(piece, currency)
            write_truth(piece, fact.trial)
        if fact.kind == SIGNUP:
            write_integer(piece, profile)
        self.more.life.start, self.more.life.size = piece.start, piece.size
        return not piece.failed

    cdef int move(self, int64_t profile) except -1:
        """Append what moves all from before the first signup, which did nothing then, to the segments of that signup."""
        cdef State *state = &self.state
        cdef Reader reader
        cdef Fact fact
        cdef int64_t n, was = state.profile, code
        cdef uint64_t head
        if profile == was:
            return 0
        reader.at, reader.failed = state.life.start, False
        reader.end = state.life.start + state.life.size
        for n in range(state.facts):
            fact = read_fact(&reader)
            if reader.failed or fact.kind == SIGNUP:
                return 0  # `run` has read them all; before the first signup there is none
            self.moved(_IN_VAIN[fact.kind], fact.at_ms // self.bucket_ms, was, profile)
        for n in range(state.feedback.size // FEEDBACK_BYTES):
            head = little_endian(state.feedback.start + n * FEEDBACK_BYTES)
            code = CODE_FEEDBACK + _CLASS_OF[head & 0x7FF]
            self.moved(code, <int64_t>(head >> 16) // self.bucket_ms, was, profile)
        return 0

    cdef int moved(self, int code, int64_t bucket, int64_t was, int64_t profile) except -1:
        self.state.profile = was
        self.point(code, 0, bucket, -1, 0)
        self.state.profile = profile
        self.point(code, 0, bucket, 1, 0)
        return 0

    cdef bint add(self, Fact *fact, int64_t bucket) except -1:
        """Run the new fact through the machine, and append the rows of what it changes; False where it does not fit."""
        cdef Life *life = &self.life
        cdef Py_ssize_t start = self.row_count, middle
        cdef Standing before = life.now
        cdef bint had_movement
        cdef Movement movement
        if not life.is_begun or life.last.bucket != bucket:
            close_bucket(life)
        had_movement = life.has_effect
        if had_movement:
            movement = last_movement(life)
            self.movement_rows(&movement, -1)
        if not life.last.is_known and life.signed_up:
            self.signed_up_rows(&movement if had_movement else NULL, -1)
        self.trial_rows(-1)
        middle = self.row_count
        if not run_fact(life, fact):
            self.row_count = start
            return self.point(_IN_VAIN[fact.kind], 0, bucket, 1, 0) == 0
        movement = last_movement(life)
        self.movement_rows(&movement, 1)
        if not movement.is_known and life.signed_up:
            self.signed_up_rows(&movement, 1)
        self.trial_rows(1)
        self.join(start, middle)
        if life.signed_up and self.state.first_at < fact.at_ms < self.state.first_at + WEEK_MS:
            self.point(
                CODE_GONE, self.state.first_plan, self.state.first_at // self.bucket_ms,
                <int>before.is_open - <int>life.now.is_open, 0,
            )
        self.hand_on(&before, bucket)
        return not life.failed

    cdef int trial_rows(self, int64_t sign) except -1:
        """Append the first trial of a customer who had not been active, and whether it led to activity in time."""
        cdef Life *life = &self.life
        cdef int64_t bucket = life.trial_at_ms // self.bucket_ms
        if life.trial_at_ms < 0 or 0 <= life.active_at_ms < life.trial_at_ms:
            return 0
        self.point(CODE_TRIAL, life.trial_plan, bucket, sign, 0)
        if 0 <= life.active_at_ms < life.trial_at_ms + life.what.trial_ms:
            self.point(CODE_CONVERTED, life.trial_plan, bucket, sign, 0)
        return 0

    cdef int hand_on(self, const Standing *before, int64_t bucket) except -1:
        """Append what a piece of activity hands on to the next one."""
        cdef int64_t engaged = self.state.engaged_bucket
        cdef Standing after = self.life.now
        if engaged < 0 or (before.active == after.active and before.plan == after.plan):
            return 0
        if before.active:
            self.engagement(before.plan, engaged, bucket, -1)
        if after.active:
            self.engagement(after.plan, engaged, bucket, 1)
        return 0

    cdef int signed_up_rows(self, const Movement *movement, int64_t sign) except -1:
        """Append the first signup, less the customer who became new; by `movement` at the earliest, which may be NULL."""
        cdef int64_t bucket = self.life.signup_at_ms // self.bucket_ms, plan = self.life.signup_plan
        cdef Standing new
        if movement is not NULL and movement.arrives:
            new = arrived(movement)
            if movement.bucket != bucket or new.plan != plan:
                self.point(CODE_SIGNED_UP, plan, bucket, sign, 0)
                self.point(CODE_SIGNED_UP, new.plan, movement.bucket, -sign, 0)
            return 0
        return self.point(CODE_SIGNED_UP, plan, bucket, sign, 0)

    cdef int movement_rows(self, const Movement *movement, int64_t sign) except -1:
        """Append the rows of the last movement, times the sign."""
        cdef int64_t bucket = movement.bucket, rise, full
        cdef Standing before = movement.before, after = movement.after, one
        if before.active and after.active:
            rise, full = after.mrr - before.mrr, after.full_mrr - before.full_mrr
            if rise > 0 or full > 0:
                self.point(CODE_UPGRADED, before.plan, bucket, sign * (full > 0), sign * above(rise, 0))
            if rise < 0 or full < 0:
                self.point(CODE_DOWNGRADED, before.plan, bucket, sign * (full < 0), sign * above(0, rise))
            if before.plan != after.plan:
                self.point(CODE_MOVED, before.plan, bucket, -sign, -sign * after.mrr)
                self.point(CODE_MOVED, after.plan, bucket, sign, sign * after.mrr)
        if movement.arrives:
            one = arrived(movement)
            self.point(CODE_REACTIVATED if movement.is_known else CODE_NEW, one.plan, bucket, sign, sign * one.mrr)
        if movement.departs:
            one = departed(movement)
            self.point(CODE_CANCELLED, one.plan, bucket, sign, sign * one.mrr)
            if movement.involuntary:
                self.point(CODE_INVOLUNTARY, one.plan, bucket, sign, 0)
        self.pair_rows(movement, sign)
        if not is_plain(movement, &self.life.held_before, &self.life.held):
            self.subscription_rows(movement, sign)
        return 0

    cdef int subscription_rows(self, const Movement *movement, int64_t sign) except -1:
        """Append what the last movement does to the paused, to those with several subscriptions, and to subscriptions."""
        cdef const Holdings *was = &self.life.held_before
        cdef const Holdings *now = &self.life.held
        cdef int64_t bucket = movement.bucket
        cdef Standing before = movement.before, after = movement.after
        cdef int n
        self.stock_rows(CODE_PAUSED, movement, before.is_paused, after.is_paused, sign)
        self.stock_rows(CODE_SEVERAL, movement, before.has_several, after.has_several, sign)
        self.rows_beyond(&before, was, bucket, -sign)
        self.rows_beyond(&after, now, bucket, sign)
        for n in range(now.count):
            if now.each[n].counts and not counts_in(was, now.each[n].id):
                self.point(CODE_STARTED, now.each[n].plan, bucket, sign, 0)
        for n in range(was.count):
            if was.each[n].counts and not counts_in(now, was.each[n].id):
                self.point(CODE_ENDED, was.each[n].plan, bucket, sign, 0)
        if movement.arrives:
            self.point(CODE_STARTED, arrived(movement).plan, bucket, -sign, 0)
        if movement.departs:
            self.point(CODE_ENDED, departed(movement).plan, bucket, -sign, 0)
        return 0

    cdef int stock_rows(self, int code, const Movement *movement, bint was, bint now, int64_t sign) except -1:
        """Append what moves a customer into a stock, out of it, or from one plan of it to another."""
        if was == now and (not was or movement.before.plan == movement.after.plan):
            return 0
        if was:
            self.point(code, movement.before.plan, movement.bucket, -sign, 0)
        if now:
            self.point(code, movement.after.plan, movement.bucket, sign, 0)
        return 0

    cdef int rows_beyond(self, const Standing *standing, const Holdings *held, int64_t bucket, int64_t sign) except -1:
        """Append the subscriptions that count by their own plan, less the customer by its plan."""
        cdef int n
        if not standing.has_several:
            return 0  # the one that counts is the customer
        for n in range(held.count):
            if held.each[n].counts:
                self.point(CODE_SUBSCRIPTIONS, held.each[n].plan, bucket, sign, sign * mrr_of(&held.each[n]))
        return self.point(CODE_SUBSCRIPTIONS, standing.plan, bucket, -sign, -sign * standing.mrr)

    cdef int pair_rows(self, const Movement *movement, int64_t sign) except -1:
        """Append what depends on the state at a window's start: see `kpis.fold.contribution`."""
        cdef Standing before = movement.before, after = movement.after, by, then
        cdef int64_t was = before.mrr, now = after.mrr, fell, rose, left, goes, lost, won, start, end
        cdef bint stays = before.active and after.active
        cdef Py_ssize_t last, count = 0
        cdef Amounts *each
        by = departed(movement) if movement.departs else before
        left = movement.departs
        fell = by.mrr if left else was - now if stays and was > now else 0
        rose = now - was if stays and now > was else 0
        goes = <int64_t>before.active - <int64_t>after.active
        if not (left or fell or rose or goes):
            return 0
        if self.pair_room < 4 * (self.life.count + 1):
            self.pairs = <Amounts *>grown(self.pairs, 8 * (self.life.count + 1), sizeof(Amounts))
            self.pair_room = 8 * (self.life.count + 1)
        for last in range(self.life.count + 1):
            end = movement.bucket if last == self.life.count else self.life.movements[last].bucket
            if last == 0:
                if left or fell or rose:
                    count = add_pair(self.pairs, count, -1, end, by.plan, left, fell, 0, rose)
                continue
            then, start = self.life.movements[last - 1].after, self.life.movements[last - 1].bucket
            if not then.active:
                if left or fell or rose:
                    count = add_pair(self.pairs, count, start, end, by.plan, left, fell, 0, rose)
                continue
            lost = above(then.mrr, now) - above(then.mrr, was)
            won = above(now, then.mrr) - above(was, then.mrr)
            if then.plan == by.plan:
                if fell != lost or goes != left or rose != won:
                    count = add_pair(self.pairs, count, start, end, then.plan, 0, fell - lost, goes - left, rose - won)
            else:
                count = add_pair(self.pairs, count, start, end, by.plan, 0, fell, -left, rose)
                count = add_pair(self.pairs, count, start, end, then.plan, 0, -lost, goes, -won)
        for last in range(count):
            each = self.pairs + last
            self.row(CODE_OF_NEW, each.plan, each.at, movement.bucket, sign * each.new, sign * each.lost)
            self.row(CODE_KEPT, each.plan, each.at, movement.bucket, sign * each.kept, sign * each.won)
        return 0

    # -- surveys and renewals

    cdef bint fold_feedback(self, UsualEvent *event, Py_ssize_t n) except -1:
        """Fold a survey or a renewal: see `kpis.fold.feedback`."""
        cdef State *state = &self.state
        cdef int64_t at_ms = event.at_ms, bucket = at_ms // self.bucket_ms, plan
        cdef uint64_t code = event.code, reason = 0, reference = self.references[n]
        cdef bint answered = _IS_ANSWER[code]
        cdef uint8_t identity[8]
        if event.sequence:
            return False
        if answered and not self.is_last_engagement(bucket):
            return False
        self.identity_of(event, identity)
        if self.is_known(identity):
            return False
        plan = state.plan
        if at_ms <= state.last_at:
            if not self.run(at_ms):
                return False
            plan = self.life.now.plan
        if answered and not self.begin_second_week(at_ms):
            return False
        if event.word.size:
            reason = self.number_of(self.reasons, event.word, self.names.reason, self.names.reasons)
        self.point(CODE_FEEDBACK + _CLASS_OF[code], plan, bucket, 1, 0)
        if answered:
            self.engage(bucket)
        write_little_endian(&self.piece, <uint64_t>at_ms << 16 | code)
        write_little_endian(&self.piece, reference << 16 | reason)
        write_raw(&self.piece, identity, 8)
        self.more.feedback.start, self.more.feedback.size = self.piece.start, self.piece.size
        state.feedback_at = max(state.feedback_at, at_ms)
        return True

    cdef bint is_last_engagement(self, int64_t bucket) noexcept:
        """Return whether an engagement in the bucket comes after all others and all facts of other buckets."""
        if bucket == self.state.engaged_bucket:
            return True
        return bucket > self.state.engaged_bucket and self.state.last_at < (bucket + 1) * self.bucket_ms

    cdef int engage(self, int64_t bucket) except -1:
        """Write down an engagement that `is_last_engagement` allows."""
        cdef int64_t before = self.state.engaged_bucket
        if bucket == before:
            return 0
        if self.state.active:
            self.row(CODE_ENGAGED, self.state.plan, before if before >= 0 else bucket, bucket, 1, 0)
        self.state.engaged_bucket = bucket
        return 0

    cdef bint begin_second_week(self, int64_t at_ms) except -1:
        """Write down the first sign of life in the second week after the first signup; False where that does not fit."""
        cdef State *state = &self.state
        cdef int64_t week = state.first_at + WEEK_MS
        cdef bint is_open
        if state.first_at < 0 or not week <= at_ms < week + WEEK_MS:
            return True
        if self.is_lively(week, week + WEEK_MS):
            return True
        is_open = state.is_open
        if state.last_at >= week:
            if not self.run(week):
                return False
            is_open = self.life.now.is_open
        if is_open:
            self.point(CODE_LIVELY, state.first_plan, state.first_at // self.bucket_ms, 1, 0)
        return True

    cdef bint is_lively(self, int64_t start_ms, int64_t end_ms) except -1:
        """Return whether there is activity or an answered survey in [start, end): see `kpis.fold.contribution.lively`."""
        cdef State *state = &self.state
        cdef Reader reader
        cdef int64_t n, at_ms, first, last
        cdef uint64_t head, bucket = 0, gap = 0
        reader.at, reader.end, reader.failed = state.runs.start, state.runs.start + state.runs.size, False
        for n in range(state.run_count):
            at_ms = read_integer(&reader)
            if start_ms <= at_ms < end_ms:
                return True
        first, last = start_ms // self.bucket_ms, end_ms // self.bucket_ms
        if state.active_bucket > first:
            for n in range(state.acts.size):
                gap = gap << 7 | (state.acts.start[n] & 127)
                if state.acts.start[n] < 128:
                    bucket += gap
                    gap = 0
                    if <uint64_t>first < bucket < <uint64_t>last:
                        return True
        for n in range(state.feedback.size // FEEDBACK_BYTES):
            head = little_endian(state.feedback.start + n * FEEDBACK_BYTES)
            if start_ms <= <int64_t>(head >> 16) < end_ms and _IS_ANSWER[head & 0x7FF]:
                return True
        return False

    # -- activity

    cdef bint fold_activity(self, UsualEvent *event, bint *changes) except -1:
        """Fold an activity: see `kpis.fold.usage`."""
        cdef State *state = &self.state
        cdef int64_t at_ms = event.at_ms, bucket = at_ms // self.bucket_ms, last = state.active_bucket
        cdef int64_t feature = self.number_of(self.features, event.word, self.names.feature, self.names.features)
        cdef bint is_plain = True
        if bucket == last:
            if state.run_first <= at_ms <= state.run_last:
                changes[0] = self.use(feature, False, &is_plain)
                return is_plain or not changes[0]
            if at_ms < state.run_last:
                return False
        elif bucket < last or not self.is_last_engagement(bucket):
            return False
        if last >= 0 and not state.run_count:
            return False
        if not self.begin_second_week(at_ms):
            return False
        self.more.run = 2 if last < 0 or bucket - last >= WEEK_MS // self.bucket_ms else 1
        self.more.run_at = at_ms
        if bucket == last:
            self.use(feature, False, &is_plain)
            return is_plain
        self.use(feature, True, &is_plain)
        if not is_plain:
            return False
        self.engage(bucket)
        self.write_gap(bucket - last if last >= 0 else bucket)
        state.active_bucket = bucket
        return True

    cdef bint use(self, int64_t feature, bint begins, bint *is_plain) except -1:
        """Note a feature of the last bucket with activity, or of one that begins; True where the state changes.

        `is_plain` is false where all activity so far was without a feature and this one has one.
        """
        cdef State *state = &self.state
        cdef uint8_t first[4]
        cdef uint8_t later[4]
        cdef Py_ssize_t size = letter(feature << 1 | 1, first), later_size = letter(feature << 1, later)
        is_plain[0] = True
        if not begins and (
            holds(state.recent, first, size) or (later_size and holds(state.recent, later, later_size))
        ):
            return False
        if state.recent.size == 0:
            if feature == 0:
                return False
            if not begins or state.acts.size:
                is_plain[0] = False
                return True
        self.more.takes_recent = begins
        self.more.recent.start = self.piece.start + self.piece.size
        self.more.recent.size = size if begins else later_size
        write_raw(&self.piece, &first[0] if begins else &later[0], self.more.recent.size)
        return True

    cdef int write_gap(self, int64_t gap) except -1:
        """Append a gap between two buckets in base 128, the high bit set on all bytes but the last."""
        cdef int shift = 56
        self.more.acts.start = self.piece.start + self.piece.size
        while shift > 0 and gap >> shift == 0:
            shift -= 7
        while shift >= 0:
            write_kind(&self.piece, <int>(gap >> shift & 127) | (128 if shift else 0), 0, 0)
            shift -= 7
        self.more.acts.size = self.piece.start + self.piece.size - self.more.acts.start
        return 0


cdef inline object str_of(Text text):
    return PyUnicode_DecodeUTF8(<const char *>text.start, text.size, NULL) if text.size else ""


cdef void *grown(void *start, Py_ssize_t count, size_t size) except NULL:
    """Return room for so many, with what lay there before.

    Raises:
        MemoryError: There is none.
    """
    cdef void *found = realloc(start, count * size)
    if found is NULL:
        raise MemoryError
    return found


cdef inline bint counts_in(const Holdings *held, Text subscription) noexcept nogil:
    cdef int place = place_of(held, subscription)
    return place >= 0 and held.each[place].counts


cdef inline bint is_small(int64_t amount) noexcept nogil:
    return -MOST_MINOR < amount < MOST_MINOR


cdef inline int64_t above(int64_t a, int64_t b) noexcept nogil:
    """Return by how much a is above b; 0 where it is not."""
    return a - b if a > b else 0


cdef inline void copy_row(int64_t *to, const int64_t *source) noexcept nogil:
    cdef int n
    for n in range(ROW):
        to[n] = source[n]


cdef Py_ssize_t add_pair(
    Amounts *pairs, Py_ssize_t count, int64_t start, int64_t end, int64_t plan,
    int64_t new, int64_t lost, int64_t kept, int64_t won,
) noexcept nogil:
    """Add amounts at the end of a piece, and take them away at its start unless that is the beginning of time.

    Returns how many there are then. Pieces come in order: those at the same place lie among the last ones.
    """
    count = add_amounts(pairs, count, end, plan, new, lost, kept, won)
    if start >= 0:
        count = add_amounts(pairs, count, start, plan, -new, -lost, -kept, -won)
    return count


cdef Py_ssize_t add_amounts(
    Amounts *pairs, Py_ssize_t count, int64_t at, int64_t plan, int64_t new, int64_t lost, int64_t kept, int64_t won
) noexcept nogil:
    cdef Py_ssize_t n = count
    cdef Amounts *each
    while n > 0 and n > count - 16:
        n -= 1
        each = pairs + n
        if each.at == at and each.plan == plan:
            each.new += new
            each.lost += lost
            each.kept += kept
            each.won += won
            return count
    each = pairs + count
    each.at, each.plan, each.new, each.lost, each.kept, each.won = at, plan, new, lost, kept, won
    return count + 1
