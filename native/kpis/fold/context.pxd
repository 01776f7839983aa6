from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.names cimport Names

cdef class FoldContext:
    cdef public Names names
    cdef public int64_t bucket_ms, max_facts, few, few_bytes
    cdef public bint short_cuts, remembers
    cdef public list rows
    cdef public list before
    cdef public object references
    cdef public int64_t applied, duplicates, conflicts, general
    cdef public dict sources
    cdef public dict letters

    cpdef letters_of(self, str feature)
    cpdef bytes identity_of(self, str source, str event_id)
    cpdef settle(self, Customer customer, bytes identity, tuple content)
    cpdef need_room_of_many(self, Customer customer)
    cpdef need_room(self, Customer customer)
    cpdef list contribution_before(self, Customer customer)
    cpdef rebuild(self, list before)
    cpdef write_down(self, Customer customer, list before)
