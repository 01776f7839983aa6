from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer
from kpis.fold.context cimport Folding

cpdef bint signup(Folding folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint change(Folding folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cpdef bint cancel(Folding folding, Customer customer, object event, int64_t at_ms, Py_ssize_t n)
cdef tuple _price(Folding folding, object event)
cdef bint _lifecycle(Folding folding, Customer customer, tuple fact)
cdef _insert(Folding folding, Customer customer, tuple fact)
cdef bint _is_ignored(Customer customer, tuple fact)
cdef bint _append(Folding folding, Customer customer, tuple fact)
cdef bint _first(Folding folding, Customer customer, tuple fact, int64_t bucket)
cdef list _past(Folding folding, Customer customer, int64_t bucket)
cdef _week_rows(Folding folding, Customer customer, int64_t gone)
