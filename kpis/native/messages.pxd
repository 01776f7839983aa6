"""MessagePack as customers' states are written: read within its bounds, written in its shortest form."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy


cdef struct Text:
    # Bytes of somebody else's, a string's or just bytes: valid as long as what they lie in.
    const uint8_t *start
    Py_ssize_t size


cdef struct Reader:
    const uint8_t *at
    const uint8_t *end
    # something else lies there than was asked for, or nothing: what was read since does not count
    bint failed


cdef struct Writer:
    uint8_t *start
    Py_ssize_t size
    Py_ssize_t room
    # it did not fit
    bint failed


# ------------------------------------------------------------------------- reading


cdef inline const uint8_t *take(Reader *reader, uint64_t size) noexcept nogil:
    """Return where the next bytes lie; NULL where there are not so many."""
    cdef const uint8_t *here = reader.at
    if reader.failed or size > <uint64_t>(reader.end - reader.at):
        reader.failed = True
        return NULL
    reader.at += size
    return here


cdef inline uint64_t read_unsigned(Reader *reader, int size) noexcept nogil:
    """Return a number of so many bytes, the highest first."""
    cdef const uint8_t *here = take(reader, size)
    cdef uint64_t number = 0
    cdef int n
    if here is NULL:
        return 0
    for n in range(size):
        number = number << 8 | here[n]
    return number


cdef inline int64_t read_integer(Reader *reader) noexcept nogil:
    """Return an integer that fits into 64 bits, sign included."""
    cdef const uint8_t *here = take(reader, 1)
    cdef uint64_t number
    cdef int kind
    if here is NULL:
        return 0
    kind = here[0]
    if kind < 0x80:
        return kind
    if kind >= 0xE0:
        return kind - 0x100
    if 0xCC <= kind <= 0xCF:
        number = read_unsigned(reader, 1 << (kind - 0xCC))
        if number >> 63:
            reader.failed = True
        return <int64_t>number
    if 0xD0 <= kind <= 0xD3:
        number = read_unsigned(reader, 1 << (kind - 0xD0))
        return <int64_t>(number << (64 - (8 << (kind - 0xD0)))) >> (64 - (8 << (kind - 0xD0)))
    reader.failed = True
    return 0


cdef inline bint read_truth(Reader *reader) noexcept nogil:
    """Return a truth value."""
    cdef const uint8_t *here = take(reader, 1)
    if here is NULL:
        return False
    if here[0] != 0xC2 and here[0] != 0xC3:
        reader.failed = True
    return here[0] == 0xC3


cdef inline Text read_sized(Reader *reader, int first_kind, int short_kind) noexcept nogil:
    """Return bytes whose length is said in 1, 2 or 4 bytes (kinds from `first_kind` on), or in the kind itself."""
    cdef Text text
    cdef uint64_t size = 0
    cdef const uint8_t *here = take(reader, 1)
    text.start, text.size = NULL, 0
    if here is NULL:
        return text
    if short_kind and here[0] & 0xE0 == short_kind:
        size = here[0] & 0x1F
    elif first_kind <= here[0] <= first_kind + 2:
        size = read_unsigned(reader, 1 << (here[0] - first_kind))
    else:
        reader.failed = True
    text.start = take(reader, size)
    text.size = 0 if text.start is NULL else <Py_ssize_t>size
    return text


cdef inline Text read_bytes(Reader *reader) noexcept nogil:
    return read_sized(reader, 0xC4, 0)


cdef inline Text read_string(Reader *reader) noexcept nogil:
    return read_sized(reader, 0xD9, 0xA0)


cdef inline uint64_t read_count(Reader *reader) noexcept nogil:
    """Return of how many an array is."""
    cdef const uint8_t *here = take(reader, 1)
    if here is NULL:
        return 0
    if here[0] & 0xF0 == 0x90:
        return here[0] & 0x0F
    if here[0] == 0xDC:
        return read_unsigned(reader, 2)
    if here[0] == 0xDD:
        return read_unsigned(reader, 4)
    reader.failed = True
    return 0


# ------------------------------------------------------------------------- writing


cdef inline void write_raw(Writer *writer, const uint8_t *start, Py_ssize_t size) noexcept nogil:
    """Write bytes as they are."""
    if writer.failed or size > writer.room - writer.size:
        writer.failed = True
        return
    if size:
        memcpy(writer.start + writer.size, start, size)
        writer.size += size


cdef inline void write_kind(Writer *writer, int kind, uint64_t number, int size) noexcept nogil:
    """Write a kind, and a number of so many bytes, the highest first."""
    cdef uint8_t *here
    cdef int n
    if writer.failed or size + 1 > writer.room - writer.size:
        writer.failed = True
        return
    here = writer.start + writer.size
    here[0] = <uint8_t>kind
    for n in range(size):
        here[1 + n] = <uint8_t>(number >> (8 * (size - 1 - n)))
    writer.size += size + 1


cdef inline void write_integer(Writer *writer, int64_t number) noexcept nogil:
    if number >= 0:
        if number < 0x80:
            write_kind(writer, <int>number, 0, 0)
        elif number < 0x100:
            write_kind(writer, 0xCC, number, 1)
        elif number < 0x10000:
            write_kind(writer, 0xCD, number, 2)
        elif number >> 32 == 0:
            write_kind(writer, 0xCE, number, 4)
        else:
            write_kind(writer, 0xCF, number, 8)
    elif number >= -0x20:
        write_kind(writer, <int>(number + 0x100), 0, 0)
    elif number >= -0x80:
        write_kind(writer, 0xD0, <uint64_t>number, 1)
    elif number >= -0x8000:
        write_kind(writer, 0xD1, <uint64_t>number, 2)
    elif number >> 31 == -1:
        write_kind(writer, 0xD2, <uint64_t>number, 4)
    else:
        write_kind(writer, 0xD3, <uint64_t>number, 8)


cdef inline void write_decimal(Writer *writer, uint64_t number) noexcept nogil:
    """Write a number in digits."""
    cdef uint8_t digits[20]
    cdef int place = 20
    while place == 20 or number:
        place -= 1
        digits[place] = <uint8_t>(0x30 + number % 10)
        number //= 10
    write_raw(writer, digits + place, 20 - place)


cdef inline void write_truth(Writer *writer, bint truth) noexcept nogil:
    write_kind(writer, 0xC3 if truth else 0xC2, 0, 0)


cdef inline void write_size(Writer *writer, uint64_t size, int first_kind) noexcept nogil:
    """Write a length in 1, 2 or 4 bytes."""
    if size < 0x100:
        write_kind(writer, first_kind, size, 1)
    elif size < 0x10000:
        write_kind(writer, first_kind + 1, size, 2)
    else:
        write_kind(writer, first_kind + 2, size, 4)


cdef inline void begin_bytes(Writer *writer, Py_ssize_t size) noexcept nogil:
    """Write what stands before so many bytes."""
    write_size(writer, size, 0xC4)


cdef inline void begin_string(Writer *writer, Py_ssize_t size) noexcept nogil:
    """Write what stands before a string of so many bytes."""
    if size < 32:
        write_kind(writer, 0xA0 | <int>size, 0, 0)
    else:
        write_size(writer, size, 0xD9)


cdef inline void write_count(Writer *writer, uint64_t count, int short_kind, int first_kind) noexcept nogil:
    """Write of how many something is, up to 15 in the kind itself, else in 2 or 4 bytes."""
    if count < 16:
        write_kind(writer, short_kind | <int>count, 0, 0)
    elif count < 0x10000:
        write_kind(writer, first_kind, count, 2)
    else:
        write_kind(writer, first_kind + 1, count, 4)


cdef inline void begin_array(Writer *writer, uint64_t count) noexcept nogil:
    """Write what stands before so many members."""
    write_count(writer, count, 0x90, 0xDC)


cdef inline void begin_map(Writer *writer, uint64_t count) noexcept nogil:
    """Write what stands before so many pairs."""
    write_count(writer, count, 0x80, 0xDE)
