from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.fold.context cimport FoldContext

cpdef bint activity(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t _n)
cpdef bint onboarding(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t _n)
cdef bint _activity_anywhere(FoldContext context, Customer customer, int64_t bucket, int64_t at_ms, tuple letters)
