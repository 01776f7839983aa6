from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer

cpdef list life_of(Customer customer)
cpdef set_life(Customer customer, object life)
cpdef bytes pack_feedback(object at_ms, object code, bytes identity, object reason, object reference)
cpdef list feedback_of(Customer customer)
cpdef set_feedback(Customer customer, object feedback)
cpdef bytes gap_bytes(int64_t gap)
cpdef list activity_of(Customer customer)
cpdef set_activity(Customer customer, object buckets)
