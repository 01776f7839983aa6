"""One JSON object without nested values, read in one pass over its bytes.

Takes what is written plainly: ASCII, no escapes, no null, integers from 0 on. Whatever else is JSON is not refused here: it
is left to whoever reads all of it.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp

from kpis.native.messages cimport Text

cdef extern from *:
    """
    /* what may stand in a text as it is */
    #define IS_PLAIN(c) ((c) >= 0x20 && (c) < 0x80 && (c) != '"' && (c) != '\\\\')
    #define IS_SPACE(c) ((c) == ' ' || (c) == '\\n' || (c) == '\\r' || (c) == '\\t')
    """
    bint IS_PLAIN(uint8_t c) nogil
    bint IS_SPACE(uint8_t c) nogil

cdef enum:
    ABSENT = 0
    TEXT = 1
    INTEGER = 2
    TRUTH = 3
    MOST_MEMBERS = 40
    MEMBER_SLOTS = 256
    MOST_DIGITS = 18


cdef struct Value:
    int kind
    Text text
    # of a truth value 0 or 1
    int64_t number


cdef struct MemberTable:
    # the members that are read: by a hash of their names, each with its number less than MOST_MEMBERS
    Text names[MEMBER_SLOTS]
    int numbers[MEMBER_SLOTS]


cdef inline unsigned int slot_of(Text name) noexcept nogil:
    return (<unsigned int>name.start[0] * 7 + <unsigned int>name.start[name.size - 1] * 31 + <unsigned int>name.size) % MEMBER_SLOTS


cdef inline int number_of(const MemberTable *table, Text name) noexcept nogil:
    """Return the number of a member; -1 where it is not read."""
    cdef unsigned int slot
    if name.size == 0:
        return -1
    slot = slot_of(name)
    while table.names[slot].start is not NULL:
        if table.names[slot].size == name.size and memcmp(table.names[slot].start, name.start, name.size) == 0:
            return table.numbers[slot]
        slot = (slot + 1) % MEMBER_SLOTS
    return -1


cdef inline const uint8_t *behind_space(const uint8_t *at, const uint8_t *end) noexcept nogil:
    while at < end and IS_SPACE(at[0]):
        at += 1
    return at


cdef inline const uint8_t *read_text(const uint8_t *at, const uint8_t *end, Text *text) noexcept nogil:
    """Read a text whose first quote lies before `at`; return what is behind its last one, NULL where it is not plain."""
    text.start = at
    while at < end and IS_PLAIN(at[0]):
        at += 1
    text.size = at - text.start
    if at == end or at[0] != c'"':
        return NULL
    return at + 1


cdef inline const uint8_t *read_digits(const uint8_t *at, const uint8_t *end, int64_t *number) noexcept nogil:
    """Read an integer; NULL where it is none, or has more than MOST_DIGITS digits."""
    cdef const uint8_t *start = at
    number[0] = 0
    while at < end and c'0' <= at[0] <= c'9':
        if at - start == MOST_DIGITS:
            return NULL
        number[0] = number[0] * 10 + (at[0] - c'0')
        at += 1
    if at == start or (start[0] == c'0' and at - start > 1):
        return NULL
    if at < end and (at[0] == c'.' or at[0] == c'e' or at[0] == c'E'):
        return NULL
    return at


cdef inline const uint8_t *read_value(const uint8_t *at, const uint8_t *end, Value *value) noexcept nogil:
    """Read a value; return what is behind it, NULL where it is not one of ours."""
    if at == end:
        return NULL
    if at[0] == c'"':
        value.kind = TEXT
        return read_text(at + 1, end, &value.text)
    if c'0' <= at[0] <= c'9':
        value.kind = INTEGER
        return read_digits(at, end, &value.number)
    value.kind = TRUTH
    if end - at >= 4 and memcmp(at, b"true", 4) == 0:
        value.number = 1
        return at + 4
    if end - at >= 5 and memcmp(at, b"false", 5) == 0:
        value.number = 0
        return at + 5
    return NULL


cdef inline bint read_flat(Text json, const MemberTable *table, Value *members) noexcept nogil:
    """Read an object into `members`, by number; False where it is not one of ours, or has a member twice."""
    cdef const uint8_t *at = json.start
    cdef const uint8_t *end = json.start + json.size
    cdef Text name
    cdef Value value
    cdef int number
    at = behind_space(at, end)
    if at == end or at[0] != c'{':
        return False
    for number in range(MOST_MEMBERS):
        members[number].kind = ABSENT
    while True:
        at = behind_space(at + 1, end)
        if at == end or at[0] != c'"':
            return False
        at = read_text(at + 1, end, &name)
        if at is NULL:
            return False
        at = behind_space(at, end)
        if at == end or at[0] != c':':
            return False
        at = read_value(behind_space(at + 1, end), end, &value)
        if at is NULL:
            return False
        number = number_of(table, name)
        if number >= 0:
            if members[number].kind != ABSENT:
                return False
            members[number] = value
        at = behind_space(at, end)
        if at == end:
            return False
        if at[0] == c'}':
            return behind_space(at + 1, end) == end
        if at[0] != c',':
            return False
