"""The states of a partition's customers, as `kpis.native.states` has them."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t

from kpis.native.batch cimport EventBatch
from kpis.native.event cimport UsualEvent
from kpis.native.messages cimport Text


cdef struct Slot:
    # of the customer's id
    uint64_t hash
    # owned: a string; NULL where the slot is free
    PyObject *customer
    # owned: bytes; NULL where nobody has put one
    PyObject *state
    # the newest entry of the redo log that holds the state; 0: none does
    int64_t entry
    # the round in which it was asked for last; of a free slot the next free one
    int32_t used
    # it was set since the last `take_changed`
    bint is_changed
    # the batch in which it was found last
    int64_t batch


cdef class StateTable


cdef class StateChanges:
    cdef Py_ssize_t count
    # owned
    cdef PyObject **customers
    cdef PyObject **states
    # in this table
    cdef int32_t *slots
    cdef StateTable table
    # made when somebody asks for one of them by name
    cdef dict by_customer
    cdef readonly int64_t size_bytes

    cdef int make_room(self, Py_ssize_t room) except -1
    cdef void add(self, PyObject *customer, PyObject *state, int32_t slot) noexcept
    cdef bytes setting_some(self, bytes start, Py_ssize_t first, Py_ssize_t end)


cdef class LoggedStates:
    cdef int32_t *slots
    cdef Py_ssize_t count
    cdef int64_t number


cdef class StateTable:
    cdef Slot *slots
    # slots there are, free ones among them; and room for them
    cdef Py_ssize_t slot_count, slot_room
    # the first free slot; -1: none
    cdef int32_t free_slot
    # open addressing, half full at most: 0 is empty, else the number of a slot and one, with the high half of its hash
    cdef uint64_t *index
    cdef Py_ssize_t index_room
    cdef readonly Py_ssize_t logged
    # slots that are taken, states that are here, and those of them that were asked for in this round (counts)
    cdef Py_ssize_t customers, states, used
    cdef int32_t round
    cdef int64_t batch, entry
    cdef Py_ssize_t most
    cdef uint64_t seed
    cdef int32_t *changed
    cdef Py_ssize_t changed_count, changed_room
    # found without a state since the last `let_go`
    cdef int32_t *absent
    cdef Py_ssize_t absent_count, absent_room

    cdef int32_t look_up(self, Text text, uint64_t hashed) noexcept
    cdef int32_t slot_for(self, Text text, PyObject *customer) except -1
    cdef int32_t slot_of(self, object customer) except? -2
    cdef int touch(self, int32_t number) except -1
    cdef int set_state(self, int32_t number, object state) except -1
    cdef int put_state(self, int32_t number, object state) except -1
    cdef int grow_index(self) except -1
    cdef int note_absent(self, int32_t number) except -1
    cdef int drop(self, int32_t number) except -1
    cdef bint meet(self, int32_t number, list missing) except -1
    cdef int32_t slot_of_event(self, EventBatch batch, UsualEvent *event) except -1
    cdef void fetch(self, EventBatch batch, Py_ssize_t soon, Py_ssize_t later) noexcept
    cdef bint has_slots_of(self, StateChanges changes) noexcept
    cdef StateChanges changes_of(self, int32_t *numbers, Py_ssize_t count)
