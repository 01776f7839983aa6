from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.fold.context cimport FoldContext

cpdef bint survey(FoldContext folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint renewal(FoldContext folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint revoke(FoldContext folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cdef bint _note(FoldContext folding, Customer customer, tuple note, object sequence)
cdef bint _note_anywhere(FoldContext folding, Customer customer, tuple note, object sequence)
cpdef bint is_last_engagement(FoldContext folding, Customer customer, int64_t bucket)
cpdef engage(FoldContext folding, Customer customer, int64_t bucket)
cpdef bint second_week_begins(FoldContext folding, Customer customer, int64_t at_ms)
cpdef enliven(FoldContext folding, Customer customer)
