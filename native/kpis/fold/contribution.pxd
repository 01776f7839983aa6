from libc.stdint cimport int64_t
from kpis.customer.state cimport Customer

cpdef list contribution(Customer customer, int64_t bucket_ms)
cpdef list effective_feedback(Customer customer)
cpdef list engaged_buckets(Customer customer, object feedback, int64_t bucket_ms)
cpdef step_rows(list out, int64_t profile, int64_t bucket, object step, list past)
cdef _pairs(list out, int64_t profile, int64_t bucket, object step, list past, int64_t ends)
cdef int64_t _above(int64_t a, int64_t b)
cdef _pair(
    list out, int64_t plan, int64_t profile, int64_t at, int64_t bucket,
    int64_t new, int64_t lost, int64_t kept, int64_t gained
)
cpdef engagement_row(list out, int64_t plan, int64_t profile, int64_t i, int64_t j, int64_t n)
