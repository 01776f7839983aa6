from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.fold.context cimport FoldContext

cpdef bint survey(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint renewal(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint revoke(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cdef bint _add(FoldContext context, Customer customer, tuple item, object sequence)
cdef bint _add_anywhere(FoldContext context, Customer customer, tuple item, object sequence)
cpdef bint is_last_engagement(FoldContext context, Customer customer, int64_t bucket)
cpdef engage(FoldContext context, Customer customer, int64_t bucket)
cpdef bint second_week_begins(FoldContext context, Customer customer, int64_t at_ms)
cpdef enliven(FoldContext context, Customer customer)
