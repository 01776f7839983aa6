from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.fold.context cimport Folding

cpdef bint survey(Folding folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint renewal(Folding folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint revoke(Folding folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cdef bint _note(Folding folding, Customer customer, tuple note, object sequence)
cdef bint _note_anywhere(Folding folding, Customer customer, tuple note, object sequence)
cpdef bint is_last_engagement(Folding folding, Customer customer, int64_t bucket)
cpdef engage(Folding folding, Customer customer, int64_t bucket)
cpdef bint second_week_begins(Folding folding, Customer customer, int64_t at_ms)
cpdef enliven(Folding folding, Customer customer)
