from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer

cpdef list effective_facts(Customer customer)
cpdef list steps_of(object facts)
cpdef list pieces_of(object steps, int64_t bucket_ms, int64_t end)
cpdef list pieces_until(list facts, int64_t bucket_ms, int64_t end)
cpdef bint active_at(object steps, int64_t at_ms)
cpdef int64_t plan_at(object steps, int64_t at_ms)
cpdef refresh(Customer customer, list steps)
