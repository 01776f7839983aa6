"""The life of a customer with one subscription: facts as they are stored, run through the machine, and movements.

The same as `kpis.customer.timeline` and `kpis.customer.movements` make of them. Not here: several subscriptions, pauses
and trials; `read_fact` fails at them.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcmp

from kpis.native.messages cimport Reader, Text, read_bytes, read_count, read_integer, read_string, read_truth

cdef enum:
    SIGNUP = 0
    CHANGE = 1
    CANCEL = 4


cdef struct Fact:
    int kind
    int64_t at_ms
    int64_t sequence
    Text subscription
    # of signups and changes
    int64_t plan
    int64_t mrr
    # of cancels
    bint involuntary


cdef struct Standing:
    bint is_open
    bint active
    int64_t plan
    int64_t mrr


cdef struct Movement:
    int64_t bucket
    Standing before
    Standing after
    bint arrives
    bint departs
    # before the fact that made the customer inactive, and whether it was against the customer's will
    Standing leaving
    bint involuntary
    bint is_known


cdef struct Life:
    # those of buckets that are over, with room for one more
    Movement *movements
    Py_ssize_t count
    # the bucket of the last fact, as far as facts have come, and whether one of its facts had an effect
    Movement last
    bint has_effect
    bint was_active
    bint is_begun
    Standing now
    int64_t last_at_ms
    int64_t last_sequence
    # the first of the signups; its plan
    bint signed_up
    int64_t signup_at_ms
    int64_t signup_plan


cdef inline Fact read_fact(Reader *reader) noexcept nogil:
    """Return the next fact; fails at one of a kind that is not here."""
    cdef Fact fact
    cdef Text identity
    cdef int64_t members = read_count(reader), currency
    fact.kind = <int>read_integer(reader)
    fact.at_ms = read_integer(reader)
    fact.sequence = read_integer(reader)
    identity = read_bytes(reader)
    read_integer(reader)
    fact.subscription = read_string(reader)
    read_integer(reader)
    fact.plan = fact.mrr = 0
    fact.involuntary = False
    if (fact.kind == SIGNUP and members == 13) or (fact.kind == CHANGE and members == 12):
        fact.plan, fact.mrr = read_integer(reader), read_integer(reader)
        read_integer(reader)
        currency = read_integer(reader)
        if read_truth(reader) or currency < 0:
            reader.failed = True
        if fact.kind == SIGNUP:
            read_integer(reader)
    elif fact.kind == CANCEL and members == 9:
        read_integer(reader)
        fact.involuntary = read_truth(reader)
    else:
        reader.failed = True
    if identity.size != 8:
        reader.failed = True
    return fact


cdef inline bint is_same(Text one, Text other) noexcept nogil:
    return one.size == other.size and (one.size == 0 or memcmp(one.start, other.start, one.size) == 0)


cdef inline void begin_life(Life *life) noexcept nogil:
    """Begin without facts."""
    life.count = 0
    life.has_effect = life.was_active = life.is_begun = life.signed_up = False
    life.now.is_open = life.now.active = False
    life.now.plan = life.now.mrr = 0
    life.last_at_ms = life.last_sequence = -1
    life.last.bucket = -1
    life.last.is_known = False


cdef inline void close_bucket(Life *life) noexcept nogil:
    """Put the movement of the last bucket, if there is one, to those that are over."""
    if life.has_effect:
        life.movements[life.count] = last_movement(life)
        life.count += 1
    life.last.is_known = life.last.is_known or (life.has_effect and life.was_active)
    life.has_effect = life.was_active = False


cdef inline Movement last_movement(Life *life) noexcept nogil:
    """Return the movement of the last bucket, one of whose facts had an effect."""
    cdef Movement movement = life.last
    movement.after = life.now
    movement.departs = movement.departs and not life.now.active
    return movement


cdef inline bint add_fact(Life *life, Fact *fact, int64_t bucket, bint free_plans) noexcept nogil:
    """Run the machine over a fact that comes after all others; return whether it had an effect."""
    cdef Standing before = life.now
    if not life.is_begun or bucket != life.last.bucket:
        close_bucket(life)
        life.is_begun = True
        life.last.bucket = bucket
        life.last.before = before
        life.last.arrives = life.last.departs = False
    life.last_at_ms, life.last_sequence = fact.at_ms, fact.sequence
    if fact.kind == SIGNUP and not life.signed_up:
        life.signed_up, life.signup_at_ms, life.signup_plan = True, fact.at_ms, fact.plan
    if fact.kind != SIGNUP and not before.is_open:
        life.was_active = life.was_active or before.active
        return False
    life.has_effect = True
    if fact.kind == CANCEL:
        life.now.is_open = life.now.active = False
        life.now.mrr = 0
    else:
        life.now.is_open = True
        life.now.active = fact.mrr > 0 or free_plans
        life.now.plan = fact.plan
        life.now.mrr = fact.mrr if life.now.active else 0
    life.was_active = life.was_active or life.now.active
    if life.now.active:
        life.last.arrives = life.last.arrives or not life.last.before.active
    elif before.active:
        life.last.departs = True
        life.last.leaving = before
        life.last.involuntary = fact.kind == CANCEL and fact.involuntary
    return True


cdef inline bint fits(Life *life, Fact *fact, Text subscription) noexcept nogil:
    """Return whether a fact is of the one subscription, and comes after those before it by its time and sequence."""
    if not is_same(fact.subscription, subscription) or fact.at_ms < life.last_at_ms:
        return False
    return fact.at_ms > life.last_at_ms or fact.sequence > life.last_sequence


cdef inline Standing departed(const Movement *movement) noexcept nogil:
    """Return the customer as it counts as cancelled."""
    if movement.before.active or not movement.departs:
        return movement.before
    return movement.leaving


cdef inline Standing arrived(const Movement *movement) noexcept nogil:
    """Return the customer as it counts as new, or as reactivated."""
    return movement.leaving if movement.departs else movement.after
