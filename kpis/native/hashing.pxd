"""XXH3 of 64 bits with a seed, of texts of 1 to 128 bytes; see `kpis.fold.context` for what it stands for.

Source: xxHash 0.8, doc/xxhash_spec.md, section XXH3 (64 bits, small and medium inputs).
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from kpis.native.messages cimport Text
from kpis.native.state cimport little_endian

cdef extern from *:
    """
    static const unsigned char XXH3_SECRET[128] = {
        0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
        0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
        0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
        0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
        0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x53, 0x2e, 0xa3, 0x71,
        0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8, 0xa8,
        0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a,
        0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea,
    };
    static inline uint64_t folded_product(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    const uint8_t *XXH3_SECRET
    uint64_t folded_product(uint64_t a, uint64_t b) nogil
    uint64_t __builtin_bswap64(uint64_t number) nogil
    uint32_t __builtin_bswap32(uint32_t number) nogil

cdef enum:
    MOST_HASHED_BYTES = 128


cdef inline uint64_t rotated(uint64_t number, int by) noexcept nogil:
    return number << by | number >> (64 - by)


cdef inline uint64_t four_bytes(const uint8_t *at) noexcept nogil:
    return <uint64_t>at[0] | <uint64_t>at[1] << 8 | <uint64_t>at[2] << 16 | <uint64_t>at[3] << 24


cdef inline uint64_t mixed(const uint8_t *at, int secret, uint64_t seed) noexcept nogil:
    """Return what sixteen bytes add to a sum."""
    return folded_product(
        little_endian(at) ^ (little_endian(XXH3_SECRET + secret) + seed),
        little_endian(at + 8) ^ (little_endian(XXH3_SECRET + secret + 8) - seed),
    )


cdef inline uint64_t avalanche(uint64_t h) noexcept nogil:
    h = (h ^ h >> 37) * <uint64_t>0x165667919E3779F9
    return h ^ h >> 32


cdef inline uint64_t xxh3(Text text, uint64_t seed) noexcept nogil:
    """Return the hash of a text of 1 to MOST_HASHED_BYTES bytes."""
    cdef const uint8_t *start = text.start
    cdef uint64_t size = <uint64_t>text.size, h, low, high
    cdef int n
    if size > 16:
        h = size * <uint64_t>0x9E3779B185EBCA87
        for n in range(<int>((size - 1) // 32), -1, -1):
            h += mixed(start + 16 * n, 32 * n, seed)
            h += mixed(start + size - 16 * (n + 1), 32 * n + 16, seed)
        return avalanche(h)
    if size > 8:
        low = little_endian(start) ^ ((little_endian(XXH3_SECRET + 24) ^ little_endian(XXH3_SECRET + 32)) + seed)
        high = little_endian(start + size - 8) ^ (
            (little_endian(XXH3_SECRET + 40) ^ little_endian(XXH3_SECRET + 48)) - seed
        )
        return avalanche(size + __builtin_bswap64(low) + high + folded_product(low, high))
    if size > 3:
        seed ^= <uint64_t>__builtin_bswap32(<uint32_t>seed) << 32
        h = four_bytes(start + size - 4) + (four_bytes(start) << 32)
        h ^= (little_endian(XXH3_SECRET + 8) ^ little_endian(XXH3_SECRET + 16)) - seed
        h ^= rotated(h, 49) ^ rotated(h, 24)
        h *= <uint64_t>0x9FB21C651E98DF25
        h = (h ^ ((h >> 35) + size)) * <uint64_t>0x9FB21C651E98DF25
        return h ^ h >> 28
    h = <uint64_t>start[0] << 16 | <uint64_t>start[size >> 1] << 24 | <uint64_t>start[size - 1] | size << 8
    h ^= (four_bytes(XXH3_SECRET) ^ four_bytes(XXH3_SECRET + 4)) + seed
    h = (h ^ h >> 33) * <uint64_t>0xC2B2AE3D27D4EB4F
    h = (h ^ h >> 29) * <uint64_t>0x165667B19E3779F9
    return h ^ h >> 32


cdef inline uint64_t hash_of_text(Text text, uint64_t seed) noexcept nogil:
    """Return a hash of a text of any length: xxh3 of what it takes, and else of one piece after the other."""
    cdef Text piece = text
    if text.size == 0:
        return seed
    while piece.size > MOST_HASHED_BYTES:
        piece.size = MOST_HASHED_BYTES
        seed = xxh3(piece, seed)
        piece.start += MOST_HASHED_BYTES
        piece.size = text.size - (piece.start - text.start)
    return xxh3(piece, seed)
