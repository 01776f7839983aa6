from libc.stdint cimport int64_t


cdef class Customer:
    cdef public int64_t phase, plan, mrr, profile, first_plan
    cdef public int64_t first_at, last_at, feedback_at, engaged_bucket, active_bucket
    cdef public bint simple
    cdef public int64_t facts
    cdef public bytes life, feedback, acts
    cdef public str used, recent
    cdef public tuple runs, onboarded
    cdef public object rare


cpdef bytes encode(Customer customer)
cpdef Customer decode(bytes packed)
cpdef bint may_hold(Customer customer, bytes identity) except -1
