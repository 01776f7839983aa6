"""The states of a partition's customers that are at hand; see `streams.partition.states`, which says what each method does.

A customer is looked up once a batch: events keep the number of the slot. What is given out by name takes a look-up each.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF, Py_XINCREF
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from kpis.native.batch cimport EventBatch
from kpis.native.event cimport UsualEvent
from kpis.native.hashing cimport hash_of_text
from kpis.native.messages cimport Text, Writer, begin_bytes, begin_map, begin_string, write_decimal, write_raw

import os

cdef extern from *:
    """
    #ifndef NATIVE_SOURCES
    #error "compile it with tools/build-native"
    #endif
    """
    const char *NATIVE_SOURCES
    void __builtin_prefetch(const void *at) nogil

#: digest of what this was compiled from
SOURCES = NATIVE_SOURCES.decode()

cdef enum:
    LEAST_ROOM = 1024
    # so many events ahead their place in the index is fetched
    AHEAD = 8
    # what may stand before a string and the bytes after it
    MARKS_BYTES = 10
    # what stands around an argument of a command of Redis, at most
    ARGUMENT_BYTES = 32


cdef inline Text utf8_of(PyObject *text) except *:
    cdef Text found
    found.start = <const uint8_t *>PyUnicode_AsUTF8AndSize(<object>text, &found.size)
    return found


cdef void *room_for(void *before, Py_ssize_t count, size_t size) except NULL:
    cdef void *found = realloc(before, count * size)
    if found is NULL:
        raise MemoryError
    return found


cdef inline void begin_argument(Writer *writer, Py_ssize_t size) noexcept nogil:
    """Write what stands before an argument of so many bytes of a command of Redis."""
    write_raw(writer, b"$", 1)
    write_decimal(writer, size)
    write_raw(writer, b"\r\n", 2)


cdef class StateChanges:
    """States by customer, as they were when somebody took them; a mapping that does not change."""

    def __cinit__(self):
        self.count = self.size_bytes = 0
        self.customers = self.states = NULL
        self.slots = NULL

    def __dealloc__(self):
        cdef Py_ssize_t n
        for n in range(self.count):
            Py_XDECREF(self.customers[n])
            Py_XDECREF(self.states[n])
        free(self.customers)
        free(self.states)
        free(self.slots)

    cdef int make_room(self, Py_ssize_t room) except -1:
        self.customers = <PyObject **>room_for(NULL, room + 1, sizeof(PyObject *))
        self.states = <PyObject **>room_for(NULL, room + 1, sizeof(PyObject *))
        self.slots = <int32_t *>room_for(NULL, room + 1, sizeof(int32_t))
        return 0

    cdef void add(self, PyObject *customer, PyObject *state, int32_t slot) noexcept:
        Py_XINCREF(customer)
        Py_XINCREF(state)
        self.customers[self.count], self.states[self.count], self.slots[self.count] = customer, state, slot
        self.size_bytes += PyBytes_GET_SIZE(<object>state)
        self.count += 1

    def __len__(self):
        return self.count

    def items(self):
        """Return the customers with their states."""
        cdef Py_ssize_t n
        return [(<object>self.customers[n], <object>self.states[n]) for n in range(self.count)]

    def __iter__(self):
        cdef Py_ssize_t n
        return iter([<object>self.customers[n] for n in range(self.count)])

    keys = __iter__

    def values(self):
        """Return the states."""
        cdef Py_ssize_t n
        return [<object>self.states[n] for n in range(self.count)]

    def __getitem__(self, str customer):
        if self.by_customer is None:
            self.by_customer = dict(self.items())
        return self.by_customer[customer]

    def packed(self):
        """Return the states by customer in MessagePack."""
        cdef Writer writer
        cdef Text text
        cdef Py_ssize_t n
        cdef Py_ssize_t room = MARKS_BYTES * (self.count + 1) + self.size_bytes
        for n in range(self.count):
            room += utf8_of(self.customers[n]).size
        writer.start, writer.size, writer.room, writer.failed = <uint8_t *>room_for(NULL, room, 1), 0, room, False
        try:
            begin_map(&writer, self.count)
            for n in range(self.count):
                text = utf8_of(self.customers[n])
                begin_string(&writer, text.size)
                write_raw(&writer, text.start, text.size)
                text.start = <const uint8_t *>PyBytes_AS_STRING(<object>self.states[n])
                text.size = PyBytes_GET_SIZE(<object>self.states[n])
                begin_bytes(&writer, text.size)
                write_raw(&writer, text.start, text.size)
            assert not writer.failed, "states are longer than they were"
            return PyBytes_FromStringAndSize(<char *>writer.start, writer.size)
        finally:
            free(writer.start)

    def setting(self, bytes start, Py_ssize_t most):
        """Return commands of Redis that set states, at most so many each, as they go over the wire.

        A key is `start` and the customer's id.
        """
        cdef Py_ssize_t n
        return [self.setting_some(start, n, min(n + most, self.count)) for n in range(0, self.count, most)]

    cdef bytes setting_some(self, bytes start, Py_ssize_t first, Py_ssize_t end):
        cdef Writer writer
        cdef Text key, text
        cdef Py_ssize_t n, room = ARGUMENT_BYTES
        key.start, key.size = <const uint8_t *>PyBytes_AS_STRING(start), PyBytes_GET_SIZE(start)
        for n in range(first, end):
            room += 2 * ARGUMENT_BYTES + key.size + utf8_of(self.customers[n]).size
            room += PyBytes_GET_SIZE(<object>self.states[n])
        writer.start, writer.size, writer.room, writer.failed = <uint8_t *>room_for(NULL, room, 1), 0, room, False
        try:
            write_raw(&writer, b"*", 1)
            write_decimal(&writer, 1 + 2 * (end - first))
            write_raw(&writer, b"\r\n$4\r\nMSET\r\n", 12)
            for n in range(first, end):
                text = utf8_of(self.customers[n])
                begin_argument(&writer, key.size + text.size)
                write_raw(&writer, key.start, key.size)
                write_raw(&writer, text.start, text.size)
                text.start = <const uint8_t *>PyBytes_AS_STRING(<object>self.states[n])
                text.size = PyBytes_GET_SIZE(<object>self.states[n])
                write_raw(&writer, b"\r\n", 2)
                begin_argument(&writer, text.size)
                write_raw(&writer, text.start, text.size)
                write_raw(&writer, b"\r\n", 2)
            assert not writer.failed, "states are longer than they were"
            return PyBytes_FromStringAndSize(<char *>writer.start, writer.size)
        finally:
            free(writer.start)


cdef class LoggedStates:
    """The customers whose states an entry of the redo log holds."""

    def __cinit__(self):
        self.slots, self.count, self.number = NULL, 0, 0

    def __dealloc__(self):
        free(self.slots)

    def __len__(self):
        return self.count


cdef class StateTable:
    """States by customer; a mapping, with more."""

    def __cinit__(self, Py_ssize_t capacity):
        self.slots, self.index, self.changed, self.absent = NULL, NULL, NULL, NULL
        self.slot_count = self.slot_room = self.customers = self.logged = self.states = self.used = 0
        self.changed_count = self.changed_room = self.absent_count = self.absent_room = 0
        self.free_slot, self.round, self.batch, self.entry = -1, 1, 0, 0
        self.most = max(1, 2 * capacity // 3)
        self.seed = int.from_bytes(os.urandom(8), "little")  # or ids could be chosen that all get in each other's way
        self.index_room = LEAST_ROOM
        self.index = <uint64_t *>calloc(self.index_room, sizeof(uint64_t))
        if self.index is NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef Py_ssize_t n
        for n in range(self.slot_count):
            Py_XDECREF(self.slots[n].customer)
            Py_XDECREF(self.slots[n].state)
        free(self.slots)
        free(self.index)
        free(self.changed)
        free(self.absent)

    # -- slots

    cdef int32_t look_up(self, Text text, uint64_t hashed) noexcept:
        """Return the number of a customer's slot; -1: there is none."""
        cdef Py_ssize_t place = hashed & <uint64_t>(self.index_room - 1)
        cdef uint64_t here
        cdef int32_t number
        cdef Text other
        while True:
            here = self.index[place]
            if here == 0:
                return -1
            if here >> 32 == hashed >> 32:
                number = <int32_t>(here & 0xFFFFFFFF) - 1
                other.start = <const uint8_t *>PyUnicode_AsUTF8AndSize(<object>self.slots[number].customer, &other.size)
                if other.size == text.size and memcmp(other.start, text.start, text.size) == 0:
                    return number
            place = (place + 1) & (self.index_room - 1)

    cdef int32_t slot_for(self, Text text, PyObject *customer) except -1:
        """Give a customer who has none a slot, without a state."""
        cdef uint64_t hashed = hash_of_text(text, self.seed)
        cdef Py_ssize_t place
        cdef int32_t number = self.free_slot
        cdef Slot *slot
        if 2 * (self.customers + 1) > self.index_room:
            self.grow_index()
        if number >= 0:
            self.free_slot = self.slots[number].used
        else:
            if self.slot_count == self.slot_room:
                assert self.slot_room < 1 << 30, "more customers than there are numbers for"
                self.slots = <Slot *>room_for(self.slots, 2 * self.slot_room + LEAST_ROOM, sizeof(Slot))
                self.slot_room = 2 * self.slot_room + LEAST_ROOM
            number = <int32_t>self.slot_count
            self.slot_count += 1
        slot = self.slots + number
        memset(slot, 0, sizeof(Slot))
        Py_XINCREF(customer)
        slot.hash, slot.customer = hashed, customer
        place = hashed & <uint64_t>(self.index_room - 1)
        while self.index[place]:
            place = (place + 1) & (self.index_room - 1)
        self.index[place] = hashed >> 32 << 32 | <uint64_t>(number + 1)
        self.customers += 1
        return number

    cdef int32_t slot_of(self, object customer) except? -2:
        """Return the number of a customer's slot; -1: there is none."""
        cdef Text text = utf8_of(<PyObject *>customer)
        return self.look_up(text, hash_of_text(text, self.seed))

    cdef int grow_index(self) except -1:
        cdef uint64_t *before = self.index
        cdef uint64_t *after = <uint64_t *>calloc(2 * self.index_room, sizeof(uint64_t))
        cdef Py_ssize_t n, place, mask = 2 * self.index_room - 1
        if after is NULL:
            raise MemoryError
        for n in range(self.index_room):
            if before[n]:
                place = self.slots[<int32_t>(before[n] & 0xFFFFFFFF) - 1].hash & <uint64_t>mask
                while after[place]:
                    place = (place + 1) & mask
                after[place] = before[n]
        self.index, self.index_room = after, 2 * self.index_room
        free(before)
        return 0

    cdef int drop(self, int32_t number) except -1:
        """Free a slot that the log does not hold; those behind it in the index move up."""
        cdef Slot *slot = self.slots + number
        cdef Py_ssize_t mask = self.index_room - 1
        cdef Py_ssize_t place = slot.hash & <uint64_t>mask, gap, home
        while <int32_t>(self.index[place] & 0xFFFFFFFF) - 1 != number:
            place = (place + 1) & mask
        gap = place
        while True:
            place = (place + 1) & mask
            if self.index[place] == 0:
                break
            home = self.slots[<int32_t>(self.index[place] & 0xFFFFFFFF) - 1].hash & <uint64_t>mask
            if (place - home) & mask >= (place - gap) & mask:
                self.index[gap] = self.index[place]
                gap = place
        self.index[gap] = 0
        if slot.state is not NULL:
            self.states -= 1
        Py_XDECREF(slot.customer)
        Py_XDECREF(slot.state)
        slot.customer = slot.state = NULL
        slot.used, self.free_slot = self.free_slot, number
        self.customers -= 1
        return 0

    cdef int touch(self, int32_t number) except -1:
        """Note that a state was asked for in this round."""
        if self.slots[number].used != self.round:
            self.slots[number].used = self.round
            self.used += self.slots[number].state is not NULL
        return 0

    cdef int put_state(self, int32_t number, object state) except -1:
        """Have a state as it is stored, or will be."""
        cdef Slot *slot = self.slots + number
        cdef PyObject *before = slot.state
        Py_INCREF(state)
        slot.state = <PyObject *>state
        if before is NULL:
            self.states += 1
            self.used += slot.used == self.round
        else:
            Py_XDECREF(before)
        return self.touch(number)

    cdef int set_state(self, int32_t number, object state) except -1:
        """Have a state that has changed."""
        self.put_state(number, state)
        if not self.slots[number].is_changed:
            self.slots[number].is_changed = True
            if self.changed_count == self.changed_room:
                self.changed = <int32_t *>room_for(self.changed, 2 * self.changed_room + LEAST_ROOM, sizeof(int32_t))
                self.changed_room = 2 * self.changed_room + LEAST_ROOM
            self.changed[self.changed_count] = number
            self.changed_count += 1
        return 0

    cdef int note_absent(self, int32_t number) except -1:
        if self.absent_count == self.absent_room:
            self.absent = <int32_t *>room_for(self.absent, 2 * self.absent_room + LEAST_ROOM, sizeof(int32_t))
            self.absent_room = 2 * self.absent_room + LEAST_ROOM
        self.absent[self.absent_count] = number
        self.absent_count += 1
        return 0

    # -- a mapping

    def __len__(self):
        return self.states

    def __iter__(self):
        cdef Py_ssize_t n
        return iter([<object>self.slots[n].customer for n in range(self.slot_count) if self.slots[n].state is not NULL])

    keys = __iter__

    def items(self):
        """Return the customers with their states."""
        cdef Py_ssize_t n
        return [
            (<object>self.slots[n].customer, <object>self.slots[n].state)
            for n in range(self.slot_count) if self.slots[n].state is not NULL
        ]

    def get(self, str customer, object default=None):
        """Return a state that is at hand."""
        cdef int32_t number = self.slot_of(customer)
        if number < 0 or self.slots[number].state is NULL:
            return default
        self.touch(number)
        return <object>self.slots[number].state

    def __contains__(self, str customer):
        cdef int32_t number = self.slot_of(customer)
        return number >= 0 and self.slots[number].state is not NULL

    def __getitem__(self, str customer):
        state = self.get(customer)
        if state is None:
            raise KeyError(customer)
        return state

    def __setitem__(self, str customer, bytes state not None):
        cdef int32_t number = self.slot_of(customer)
        self.set_state(self.slot_for(utf8_of(<PyObject *>customer), <PyObject *>customer) if number < 0 else number, state)

    def __delitem__(self, str customer):
        self.remove([customer])

    def put(self, str customer, bytes state not None):
        """Have a state at hand as it is stored."""
        cdef int32_t number = self.slot_of(customer)
        self.put_state(self.slot_for(utf8_of(<PyObject *>customer), <PyObject *>customer) if number < 0 else number, state)

    def remove(self, object customers):
        """Forget the states of customers who have none any more."""
        cdef int32_t number
        for customer in customers:
            number = self.slot_of(customer)
            if number >= 0:
                assert not self.slots[number].entry and not self.slots[number].is_changed, "it is not stored yet"
                self.drop(number)

    # -- a batch

    def find(self, object events):
        """Bring the customers of events to hand; return how many they are, and those without a state here."""
        cdef EventBatch batch = events if isinstance(events, EventBatch) else None
        cdef UsualEvent *event
        cdef uint64_t *hashes
        cdef Text text
        cdef int32_t number
        cdef Py_ssize_t n, count = len(events), found = 0
        cdef list missing = []
        self.batch += 1
        if batch is None:
            for each in events:
                customer_id = each.customer_id
                number = self.slot_of(customer_id)
                if number < 0:
                    number = self.slot_for(utf8_of(<PyObject *>customer_id), <PyObject *>customer_id)
                found += self.meet(number, missing)
            return found, missing
        hashes = <uint64_t *>room_for(NULL, count + AHEAD, sizeof(uint64_t))
        try:
            for n in range(count):
                hashes[n] = hash_of_text(batch.each[n].customer, self.seed)
            for n in range(count):
                if n + AHEAD < count:
                    __builtin_prefetch(self.index + (hashes[n + AHEAD] & <uint64_t>(self.index_room - 1)))
                event = batch.each + n
                number = self.look_up(event.customer, hashes[n])
                if number < 0:
                    customer_id = batch.customer_of(event)
                    number = self.slot_for(event.customer, <PyObject *>customer_id)
                event.slot = number + 1
                found += self.meet(number, missing)
        finally:
            free(hashes)
        batch.found_in, batch.found_at = self, self.batch
        return found, missing

    cdef bint meet(self, int32_t number, list missing) except -1:
        """Note that a customer is in the batch; return whether for the first time."""
        if self.slots[number].batch == self.batch:
            return False
        self.slots[number].batch = self.batch
        self.touch(number)
        if self.slots[number].state is NULL:
            self.note_absent(number)
            missing.append(<object>self.slots[number].customer)
        return True

    cdef int32_t slot_of_event(self, EventBatch batch, UsualEvent *event) except -1:
        """Return the number of the slot of an event's customer, who gets one where there is none."""
        cdef int32_t number
        if event.slot and batch is not None and batch.found_in is self and batch.found_at == self.batch:
            return event.slot - 1
        number = self.look_up(event.customer, hash_of_text(event.customer, self.seed))
        if number < 0:
            customer = batch.customer_of(event) if batch is not None else (<object>event.object).customer_id
            number = self.slot_for(event.customer, <PyObject *>customer)
            self.note_absent(number)
        event.slot = number + 1
        return number

    cdef void fetch(self, EventBatch batch, Py_ssize_t soon, Py_ssize_t later) noexcept:
        """Have the state of an event's customer in the caches soon, and the slot of a later one's."""
        cdef const uint8_t *state
        if batch.found_in is not self or batch.found_at != self.batch:
            return
        if later < batch.count and batch.each[later].slot:
            __builtin_prefetch(self.slots + batch.each[later].slot - 1)
        if soon < batch.count and batch.each[soon].slot:
            state = <const uint8_t *>self.slots[batch.each[soon].slot - 1].state
            if state is not NULL:
                __builtin_prefetch(state)
                __builtin_prefetch(state + 64)
                __builtin_prefetch(state + 128)

    def take_changed(self):
        """Return the states that were set since this was asked last."""
        cdef Py_ssize_t n
        cdef StateChanges found = self.changes_of(self.changed, self.changed_count)
        for n in range(self.changed_count):
            self.slots[self.changed[n]].is_changed = False
        self.changed_count = 0
        return found

    cdef StateChanges changes_of(self, int32_t *numbers, Py_ssize_t count):
        cdef StateChanges found = StateChanges()
        cdef Py_ssize_t n
        found.table = self
        found.make_room(count)
        for n in range(count):
            found.add(self.slots[numbers[n]].customer, self.slots[numbers[n]].state, numbers[n])
        return found

    def let_go(self):
        """Forget states beyond the capacity, but for those of the log."""
        cdef Py_ssize_t n
        cdef Slot *slot
        for n in range(self.absent_count):
            slot = self.slots + self.absent[n]
            if slot.customer is not NULL and slot.state is NULL:
                self.drop(self.absent[n])
        self.absent_count = 0
        if 2 * self.used <= self.most or self.states <= self.most:
            return
        for n in range(self.slot_count):
            slot = self.slots + n
            if slot.customer is not NULL and slot.used != self.round and not slot.entry:
                self.drop(<int32_t>n)
        self.round += 1
        self.used = 0

    # -- the redo log

    def log(self, object states):
        """Note that the newest entry of the log holds states; return what stands for it."""
        cdef LoggedStates found = LoggedStates()
        cdef StateChanges changes = states if isinstance(states, StateChanges) else None
        cdef Py_ssize_t n
        cdef Slot *slot
        self.entry += 1
        found.number, found.count = self.entry, len(states)
        found.slots = <int32_t *>room_for(NULL, found.count + 1, sizeof(int32_t))
        if changes is not None and changes.table is self and self.has_slots_of(changes):
            memcpy(found.slots, changes.slots, found.count * sizeof(int32_t))
        else:
            for n, (customer, state) in enumerate(states.items()):
                self.put(customer, state)
                found.slots[n] = self.slot_of(customer)
        for n in range(found.count):
            slot = self.slots + found.slots[n]
            self.logged += slot.entry == 0
            slot.entry = self.entry
        return found

    cdef bint has_slots_of(self, StateChanges changes) noexcept:
        """Return whether the customers of changes have the slots that they had."""
        cdef Py_ssize_t n
        for n in range(changes.count):
            if self.slots[changes.slots[n]].customer is not changes.customers[n]:
                return False
        return True

    def unlog(self, list gone):
        """Return the states that entries which go held last; they are the log's no longer."""
        cdef LoggedStates entry
        cdef StateChanges found = StateChanges()
        cdef Py_ssize_t n, count = 0
        cdef Slot *slot
        for entry in gone:
            count += entry.count
        found.make_room(count)
        for entry in gone:
            for n in range(entry.count):
                slot = self.slots + entry.slots[n]
                if slot.entry == entry.number:
                    slot.entry = 0
                    self.logged -= 1
                    found.add(slot.customer, slot.state, entry.slots[n])
        return found
