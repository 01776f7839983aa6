from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.fold.context cimport FoldContext

cpdef bint signup(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint change(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint cancel(FoldContext context, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cdef tuple _price(FoldContext context, object event)
cdef bint _lifecycle(FoldContext context, Customer customer, tuple fact)
cdef _insert(FoldContext context, Customer customer, tuple fact)
cdef bint _is_ignored(Customer customer, tuple fact)
cdef bint _append(FoldContext context, Customer customer, tuple fact)
cdef bint _first(FoldContext context, Customer customer, tuple fact, int64_t bucket)
cdef list _past(FoldContext context, Customer customer, int64_t bucket)
cdef _week_rows(FoldContext context, Customer customer, int64_t gone)
