# cython: overflowcheck=False
"""The state of one customer, for C compilers: what kpis/customer/state.py is, with the same names and the same bytes.

Members and their meaning: kpis/customer/layout.py. Numbers are of 64 bits here. What `encode` does not write itself, stored by
another hand or damaged, and what nobody writes, is left to msgspec, which reads it or says what is wrong.
"""

cimport cython
import msgspec

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from kpis.customer.layout import Customer as Layout

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <string.h>

    static inline uint64_t from_big_endian(const uint8_t* at, int size) {
        uint64_t number = 0;
        switch (size) {  /* each is one instruction, or two */
        case 1: return at[0];
        case 2: return (uint64_t)at[0] << 8 | at[1];
        case 4: return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
        }
        for (int n = 0; n < 8; n++) number = number << 8 | at[n];
        return number;
    }
    """
    void* memmem(const void* where, size_t length, const void* what, size_t size) nogil
    uint64_t from_big_endian(const uint8_t* at, int size) nogil

cdef enum:
    NIL = 0xC0
    FALSE = 0xC2
    TRUE = 0xC3
    BYTES = 0xC4  # with a length of one byte; of two, and of four, are the next ones
    UNSIGNED = 0xCC  # one byte; two, four and eight are the next ones
    SIGNED = 0xD0
    TEXT = 0xD9
    ARRAY = 0xDC  # with a length of two bytes
    MEMBERS = 20
    # What numbers, lengths and marks take at most, together (bytes).
    FIXED = 256
    ROOM = 4096

_encode_layout = msgspec.msgpack.Encoder().encode
_decode_layout = msgspec.msgpack.Decoder(Layout).decode
cdef tuple _NONE = ()
cdef tuple _MEMBERS = (
    "phase", "plan", "mrr", "profile", "first_plan", "first_at", "last_at", "feedback_at", "engaged_bucket",
    "active_bucket", "simple", "facts", "life", "feedback", "acts", "used", "recent", "runs", "onboarded", "rare",
)
if _MEMBERS != Layout.__struct_fields__:
    raise ImportError(f"kpis/customer/layout.py has other members than native/kpis/customer/state.pyx: {Layout.__struct_fields__}")


@cython.no_gc
@cython.freelist(16)
cdef class Customer:
    """What kpis/customer/layout.py says, member by member."""

    def __init__(self, **members):
        layout = Layout(**members)
        for name in _MEMBERS:
            setattr(self, name, getattr(layout, name))

    def __eq__(self, other):
        return isinstance(other, Customer) and _layout_of(self) == _layout_of(other)

    def __repr__(self):
        return repr(_layout_of(self))


cdef object _layout_of(Customer customer):
    return Layout(*[getattr(customer, name) for name in _MEMBERS])


cpdef bint may_hold(Customer customer, bytes identity) except -1:
    """Whether the state may hold something under an identity; a false alarm only takes the longer way."""
    if customer is None:
        raise TypeError("None is no customer")
    if _holds(customer.life, identity) or _holds(customer.feedback, identity):
        return True
    return customer.rare is not None and customer.rare.counts()


cdef bint _holds(bytes where, bytes what) except -1:
    if where is None or what is None:
        raise TypeError("None is no bytes")
    found = memmem(PyBytes_AS_STRING(where), PyBytes_GET_SIZE(where), PyBytes_AS_STRING(what), PyBytes_GET_SIZE(what))
    return found != NULL


# ------------------------------------------------------------------------- writing


cpdef bytes encode(Customer customer):
    """Return the bytes of a state; its members must be what they are declared to be."""
    if customer is None:
        raise TypeError("None is no customer")
    if customer.rare is not None:
        return _encode_layout(_layout_of(customer))
    cdef Py_ssize_t used, recent
    cdef const char* used_text = PyUnicode_AsUTF8AndSize(customer.used, &used)
    cdef const char* recent_text = PyUnicode_AsUTF8AndSize(customer.recent, &recent)
    cdef Py_ssize_t size = (
        FIXED + len(customer.life) + len(customer.feedback) + len(customer.acts) + used + recent
        + 9 * (len(customer.runs) + len(customer.onboarded))
    )
    cdef uint8_t[ROOM] room
    cdef uint8_t* start = room
    if size > ROOM:
        start = <uint8_t*> PyMem_Malloc(size)
        if start == NULL:
            raise MemoryError
    try:
        end = _write_array(start, MEMBERS)
        end = _write_number(end, customer.phase)
        end = _write_number(end, customer.plan)
        end = _write_number(end, customer.mrr)
        end = _write_number(end, customer.profile)
        end = _write_number(end, customer.first_plan)
        end = _write_number(end, customer.first_at)
        end = _write_number(end, customer.last_at)
        end = _write_number(end, customer.feedback_at)
        end = _write_number(end, customer.engaged_bucket)
        end = _write_number(end, customer.active_bucket)
        end[0] = TRUE if customer.simple else FALSE
        end = _write_number(end + 1, customer.facts)
        end = _write_bytes(end, customer.life)
        end = _write_bytes(end, customer.feedback)
        end = _write_bytes(end, customer.acts)
        end = _write(_write_text_length(end, used), used_text, used)
        end = _write(_write_text_length(end, recent), recent_text, recent)
        end = _write_numbers(end, customer.runs)
        end = _write_numbers(end, customer.onboarded)
        end[0] = NIL
        return PyBytes_FromStringAndSize(<const char*> start, end + 1 - start)
    finally:
        if start != room:
            PyMem_Free(start)


cdef inline uint8_t* _write(uint8_t* at, const char* content, Py_ssize_t size) noexcept:
    memcpy(at, content, size)
    return at + size


cdef uint8_t* _write_bytes(uint8_t* at, bytes content) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(content)
    return _write(_write_length(at, BYTES, size), PyBytes_AS_STRING(content), size)


cdef inline uint8_t* _write_big_endian(uint8_t* at, uint64_t number, int size) noexcept:
    cdef int n
    for n in range(size):
        at[n] = <uint8_t> (number >> (8 * (size - 1 - n)))
    return at + size


cdef uint8_t* _write_number(uint8_t* at, int64_t number) noexcept:
    """The shortest form, as msgspec chooses it."""
    if -32 <= number < 128:
        at[0] = <uint8_t> number
        return at + 1
    cdef int power = 0  # of two: how many bytes the number takes
    if number >= 0:
        while power < 3 and number >> (8 << power):
            power += 1
        at[0] = UNSIGNED + power
    else:
        while power < 3 and number < -(<int64_t> 1 << ((8 << power) - 1)):
            power += 1
        at[0] = SIGNED + power
    return _write_big_endian(at + 1, <uint64_t> number, 1 << power)


cdef uint8_t* _write_length(uint8_t* at, uint8_t mark, Py_ssize_t length) noexcept:
    cdef int power = 0 if length < 1 << 8 else 1 if length < 1 << 16 else 2
    at[0] = mark + power
    return _write_big_endian(at + 1, length, 1 << power)


cdef uint8_t* _write_text_length(uint8_t* at, Py_ssize_t length) noexcept:
    if length >= 32:
        return _write_length(at, TEXT, length)
    at[0] = <uint8_t> (0xA0 | length)
    return at + 1


cdef uint8_t* _write_array(uint8_t* at, Py_ssize_t length) noexcept:
    if length < 16:
        at[0] = <uint8_t> (0x90 | length)
        return at + 1
    at[0] = ARRAY + (length >= 1 << 16)
    return _write_big_endian(at + 1, length, 2 if length < 1 << 16 else 4)


cdef uint8_t* _write_numbers(uint8_t* at, tuple numbers) except NULL:
    at = _write_array(at, len(numbers))
    for number in numbers:
        at = _write_number(at, number)
    return at


# ------------------------------------------------------------------------- reading


cdef struct Rest:
    const uint8_t* at
    const uint8_t* end


class _Unusual(Exception):
    """Not what `encode` writes for a customer whom events have made."""


cpdef Customer decode(bytes packed):
    """Return a state.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: The bytes are no state, or one with a number of more than 64 bits.
    """
    if packed is None:
        raise TypeError("None is no state")
    try:
        return _decode_usual(packed)
    except _Unusual:
        layout = _decode_layout(packed)
        try:
            return Customer(**{name: getattr(layout, name) for name in _MEMBERS})
        except OverflowError as error:
            raise msgspec.ValidationError(f"a state with a number that takes more than 64 bits: {error}") from None


cdef Customer _decode_usual(bytes packed):
    cdef Customer customer = Customer.__new__(Customer)
    cdef Rest rest
    rest.at = <const uint8_t*> PyBytes_AS_STRING(packed)
    rest.end = rest.at + PyBytes_GET_SIZE(packed)
    if _read_array_length(&rest) != MEMBERS:
        raise _Unusual
    customer.phase = _read_number(&rest)
    customer.plan = _read_number(&rest)
    customer.mrr = _read_number(&rest)
    customer.profile = _read_number(&rest)
    customer.first_plan = _read_number(&rest)
    customer.first_at = _read_number(&rest)
    customer.last_at = _read_number(&rest)
    customer.feedback_at = _read_number(&rest)
    customer.engaged_bucket = _read_number(&rest)
    customer.active_bucket = _read_number(&rest)
    cdef uint8_t mark = _take(&rest, 1)[0]
    if mark != TRUE and mark != FALSE:
        raise _Unusual
    customer.simple = mark == TRUE
    customer.facts = _read_number(&rest)
    customer.life = _read_bytes(&rest)
    customer.feedback = _read_bytes(&rest)
    customer.acts = _read_bytes(&rest)
    customer.used = _read_text(&rest)
    customer.recent = _read_text(&rest)
    customer.runs = _read_numbers(&rest)
    customer.onboarded = _read_numbers(&rest)
    if _take(&rest, 1)[0] != NIL or rest.at != rest.end:
        raise _Unusual
    return customer


cdef inline const uint8_t* _take(Rest* rest, Py_ssize_t size) except NULL:
    """Return where the next bytes stand, and go on behind them."""
    cdef const uint8_t* at = rest.at
    if size > rest.end - at:
        raise _Unusual
    rest.at = at + size
    return at


cdef inline int64_t _read_number(Rest* rest) except? -7:
    cdef uint8_t mark = _take(rest, 1)[0]
    if mark < 0x80:
        return mark
    if mark >= 0xE0:
        return <int64_t> mark - 256
    if not UNSIGNED <= mark <= UNSIGNED + 3:
        raise _Unusual
    cdef int size = 1 << (mark - UNSIGNED)
    cdef uint64_t number = from_big_endian(_take(rest, size), size)
    if number > <uint64_t> INT64_MAX:
        raise _Unusual
    return <int64_t> number


cdef Py_ssize_t _read_array_length(Rest* rest) except -1:
    cdef uint8_t mark = _take(rest, 1)[0]
    if mark & 0xF0 == 0x90:
        return mark & 15
    if mark != ARRAY:
        raise _Unusual
    return from_big_endian(_take(rest, 2), 2)


cdef tuple _read_numbers(Rest* rest):
    cdef Py_ssize_t length = _read_array_length(rest)
    return tuple([_read_number(rest) for _ in range(length)]) if length else _NONE


cdef bytes _read_bytes(Rest* rest):
    cdef uint8_t mark = _take(rest, 1)[0]
    if not BYTES <= mark <= BYTES + 2:
        raise _Unusual
    cdef int size = 1 << (mark - BYTES)
    cdef Py_ssize_t length = from_big_endian(_take(rest, size), size)
    return PyBytes_FromStringAndSize(<const char*> _take(rest, length), length) if length else b""


cdef str _read_text(Rest* rest):
    cdef uint8_t mark = _take(rest, 1)[0]
    cdef Py_ssize_t length
    cdef int size
    if mark & 0xE0 == 0xA0:
        length = mark & 31
    elif TEXT <= mark <= TEXT + 2:
        size = 1 << (mark - TEXT)
        length = from_big_endian(_take(rest, size), size)
    else:
        raise _Unusual
    try:
        return PyUnicode_DecodeUTF8(<const char*> _take(rest, length), length, NULL) if length else ""
    except UnicodeDecodeError as error:
        raise _Unusual from error
