from libc.stdint cimport int64_t

cdef class Names:
    cdef public object money, key_of
    cdef public tuple dimensions
    cdef public int64_t max_values, max_profiles
    cdef public dict over_limit, plans, reasons, currencies, features, topics, profiles
    cdef public list plan_names, reason_names, currency_names, feature_names, topic_names, profile_names
    cdef public list _values, _of_profile
    cdef dict _texts, _new
    cdef object _columns
    cpdef int64_t plan(self, str name)
    cpdef int64_t reason(self, str slug)
    cpdef int64_t currency(self, str code)
    cpdef int64_t feature(self, str slug)
    cpdef int64_t topic(self, str name)
    cpdef int64_t profile(self, str currency, object values)
