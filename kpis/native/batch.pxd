"""Records and events of a batch, as `kpis.native.batch` has them."""

from libc.stdint cimport int64_t, uint8_t

from kpis.native.event cimport Rules, UsualEvent
from kpis.native.messages cimport Text


cdef struct PackedRecord:
    int64_t offset
    # Kafka's (ms since 1970)
    int64_t timestamp
    # -1: there is none
    Py_ssize_t key_size
    Py_ssize_t value_size
    const uint8_t *key
    const uint8_t *value
    # its topic's number among those of the records
    int topic


cdef class PackedRecords:
    cdef PackedRecord *each
    cdef Py_ssize_t count
    cdef object make
    cdef readonly tuple topics
    cdef readonly int partition
    # what the records lie in
    cdef tuple kept
    # those that Python has asked for, by number
    cdef dict made

    cdef int make_room(self, Py_ssize_t count) except -1

cdef class EventRules:
    cdef Rules rules
    cdef list kept
    cdef readonly tuple labels

    cdef int add_member(self, str name, int number) except -1
    cdef Text keep(self, str text)


cdef class EventBatch:
    cdef UsualEvent *each
    cdef Py_ssize_t count, room
    cdef EventRules rules
    cdef readonly object records
    cdef object event_of
    # the table of states in which its customers' slots were found, and its batch then
    cdef object found_in
    cdef int64_t found_at

    cdef object customer_of(self, UsualEvent *event)
    cdef object record_at(self, Py_ssize_t number)
    cdef UsualEvent *next(self, Py_ssize_t record) except NULL
    cdef tuple feed_of(self, UsualEvent *event)


cdef object describe(object event, int64_t at_ms, UsualEvent *into)
