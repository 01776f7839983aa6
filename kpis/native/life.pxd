"""The life of a customer: facts as they are stored, run through the machines, and movements.

The same as `kpis.customer.timeline` and `kpis.customer.movements` make of them. `failed` is set at more than there is room
for, and at what is not one of ours.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcmp

from kpis.native.messages cimport Reader, Text, read_bytes, read_count, read_integer, read_string, read_truth

cdef enum:
    SIGNUP = 0
    CHANGE = 1
    PAUSE = 2
    RESUME = 3
    CANCEL = 4
    # subscriptions of a customer that are not closed, and facts of one event time and sequence (count)
    MOST_OPEN = 16


cdef struct Fact:
    int kind
    int64_t at_ms
    int64_t sequence
    Text subscription
    # of signups and changes
    int64_t plan
    int64_t mrr
    bint trial
    # of cancels
    bint involuntary


cdef struct What:
    # what counts, see `kpis.customer.what_counts`
    bint free_plans
    bint paused
    int64_t trial_ms


cdef struct Subscription:
    Text id
    int64_t plan
    int64_t price
    bint on_trial
    bint is_paused
    bint would_count
    bint counts
    int64_t open_since
    int64_t counting_since


cdef struct Holdings:
    # those that are not closed, in no order
    int count
    Subscription each[MOST_OPEN]


cdef struct Standing:
    bint is_open
    bint active
    bint is_paused
    bint has_several
    int64_t plan
    int64_t mrr
    int64_t full_mrr


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
    What what
    int64_t bucket_ms
    # those of buckets that are over, with room for one more
    Movement *movements
    Py_ssize_t count
    # the bucket of the last fact, as far as facts have come, and whether one of its facts had an effect
    Movement last
    bint has_effect
    bint was_active
    bint is_begun
    Standing now
    Holdings held
    # at the start of the last bucket
    Holdings held_before
    # facts of one event time and sequence, which have not been run yet
    Fact together[MOST_OPEN]
    int waiting
    # the first of the signups; its plan
    bint signed_up
    int64_t signup_at_ms
    int64_t signup_plan
    # the first signup or change with a trial that had an effect; -1: there is none
    int64_t trial_at_ms
    int64_t trial_plan
    # the first fact after which the customer was active; -1: there is none
    int64_t active_at_ms
    bint failed


cdef inline Fact read_fact(Reader *reader) noexcept nogil:
    """Return the next fact."""
    cdef Fact fact
    cdef Text identity
    cdef int64_t members = <int64_t>read_count(reader)
    fact.kind = <int>read_integer(reader)
    fact.at_ms = read_integer(reader)
    fact.sequence = read_integer(reader)
    identity = read_bytes(reader)
    read_integer(reader)
    fact.subscription = read_string(reader)
    read_integer(reader)
    fact.plan = fact.mrr = 0
    fact.trial = fact.involuntary = False
    if (fact.kind == SIGNUP and members == 13) or (fact.kind == CHANGE and members == 12):
        fact.plan, fact.mrr = read_integer(reader), read_integer(reader)
        read_integer(reader)
        read_integer(reader)
        fact.trial = read_truth(reader)
        if fact.kind == SIGNUP:
            read_integer(reader)
    elif fact.kind == CANCEL and members == 9:
        read_integer(reader)
        fact.involuntary = read_truth(reader)
    elif not ((fact.kind == PAUSE or fact.kind == RESUME) and members == 7):
        reader.failed = True
    if identity.size != 8:
        reader.failed = True
    return fact


cdef inline int compared(Text one, Text other) noexcept nogil:
    """Return a number below, at or above 0 as one text comes before, is, or comes after the other."""
    cdef Py_ssize_t size = one.size if one.size < other.size else other.size
    cdef int found = memcmp(one.start, other.start, size) if size else 0
    if found or one.size == other.size:
        return found
    return -1 if one.size < other.size else 1


# ------------------------------------------------------------------------- subscriptions, and the customer


cdef inline int place_of(const Holdings *held, Text subscription) noexcept nogil:
    """Return where a subscription stands; -1 where it is closed."""
    cdef int n
    for n in range(held.count):
        if compared(held.each[n].id, subscription) == 0:
            return n
    return -1


cdef inline int64_t mrr_of(const Subscription *each) noexcept nogil:
    return each.price if each.counts and not each.is_paused else 0


cdef inline Standing standing_of(const Holdings *held, int64_t last_plan) noexcept nogil:
    """Return the customer with these subscriptions; `last_plan` is the one before."""
    cdef Standing out
    cdef const Subscription *each
    cdef const Subscription *leading = NULL
    cdef const Subscription *oldest = NULL
    cdef int n, counting = 0
    cdef bint paused = False, unpaused = False
    out.plan, out.mrr, out.full_mrr = last_plan, 0, 0
    for n in range(held.count):
        each = &held.each[n]
        paused = paused or (each.is_paused and each.would_count)
        unpaused = unpaused or (each.counts and not each.is_paused)
        if oldest is NULL or each.open_since < oldest.open_since or (
            each.open_since == oldest.open_since and compared(each.id, oldest.id) < 0
        ):
            oldest = each
        if each.counts:
            counting += 1
            out.mrr += mrr_of(each)
            out.full_mrr += each.price
            if leading is NULL or leads(each, leading):
                leading = each
    out.is_open, out.active, out.has_several = held.count > 0, counting > 0, counting > 1
    out.is_paused = paused and not unpaused
    if leading is not NULL:
        out.plan = leading.plan
    elif oldest is not NULL:
        out.plan = oldest.plan
    return out


cdef inline bint leads(const Subscription *each, const Subscription *other) noexcept nogil:
    """Return whether one that counts leads before another one."""
    if mrr_of(each) != mrr_of(other):
        return mrr_of(each) > mrr_of(other)
    if each.counting_since != other.counting_since:
        return each.counting_since < other.counting_since
    return compared(each.id, other.id) < 0


cdef inline bint affects(const Holdings *held, int place, int kind) noexcept nogil:
    """Return whether a fact of a kind does something to a subscription."""
    if kind == SIGNUP:
        return True
    if place < 0:
        return False
    if kind == PAUSE:
        return not held.each[place].is_paused
    return held.each[place].is_paused if kind == RESUME else True


cdef inline bint apply(Holdings *held, int place, const Fact *fact, const What *what) noexcept nogil:
    """Change a subscription by a fact that has an effect on it; False where there is no room for one more."""
    cdef Subscription *each
    cdef bint counted
    if fact.kind == CANCEL:
        held.count -= 1
        if place != held.count:
            held.each[place] = held.each[held.count]
        return True
    if place < 0:
        if held.count == MOST_OPEN:
            return False
        place = held.count
        held.count += 1
        each = &held.each[place]
        each.id, each.open_since, each.is_paused, each.counts = fact.subscription, fact.at_ms, False, False
    each = &held.each[place]
    counted = each.counts
    if fact.kind == SIGNUP or fact.kind == CHANGE:
        each.plan, each.price, each.on_trial = fact.plan, fact.mrr, fact.trial
    each.is_paused = fact.kind == PAUSE or (fact.kind == CHANGE and each.is_paused)
    each.would_count = not each.on_trial and (each.price > 0 or what.free_plans)
    each.counts = each.would_count and (not each.is_paused or what.paused)
    if not each.counts:
        each.counting_since = -1
    elif not counted:
        each.counting_since = fact.at_ms
    return True


# ------------------------------------------------------------------------- facts and movements


cdef inline void begin_life(Life *life) noexcept nogil:
    """Begin without facts."""
    life.count = 0
    life.has_effect = life.was_active = life.is_begun = life.signed_up = life.failed = False
    life.held.count = life.held_before.count = life.waiting = 0
    life.now = standing_of(&life.held, 0)
    life.last.bucket = life.trial_at_ms = life.active_at_ms = -1
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


cdef inline void take_fact(Life *life, const Fact *fact) noexcept nogil:
    """Take the next fact in the order of the timeline; it is run once all of its event time and sequence are there."""
    cdef const Fact *before
    if life.waiting:
        before = &life.together[life.waiting - 1]
        if fact.at_ms < before.at_ms or (fact.at_ms == before.at_ms and fact.sequence < before.sequence):
            life.failed = True
        if fact.at_ms != before.at_ms or fact.sequence != before.sequence:
            run_waiting(life)
    if life.waiting == MOST_OPEN or fact.at_ms < 0:
        life.failed = True
    if not life.failed:
        life.together[life.waiting] = fact[0]
        life.waiting += 1


cdef inline void run_waiting(Life *life) noexcept nogil:
    """Run the facts that wait; cancels of subscriptions that are not closed come first."""
    cdef bint ends[MOST_OPEN]
    cdef int n, count = life.waiting
    cdef bint end
    for n in range(count):
        ends[n] = life.together[n].kind == CANCEL and place_of(&life.held, life.together[n].subscription) >= 0
    for end in range(1, -1, -1):
        for n in range(count):
            if ends[n] == end:
                run_fact(life, &life.together[n])
    life.waiting = 0


cdef inline bint run_fact(Life *life, const Fact *fact) noexcept nogil:
    """Run the machine over a fact; return whether it had an effect."""
    cdef Standing before = life.now
    cdef int64_t bucket = fact.at_ms // life.bucket_ms
    cdef int place = place_of(&life.held, fact.subscription)
    if not life.is_begun or bucket != life.last.bucket:
        close_bucket(life)
        life.is_begun = True
        life.last.bucket, life.last.before = bucket, before
        life.last.arrives = life.last.departs = False
        copy_holdings(&life.held_before, &life.held)
    if fact.kind == SIGNUP and not life.signed_up:
        life.signed_up, life.signup_at_ms, life.signup_plan = True, fact.at_ms, fact.plan
    if not affects(&life.held, place, fact.kind):
        life.was_active = life.was_active or before.active
        return False
    life.has_effect = True
    if fact.trial and life.trial_at_ms < 0:
        life.trial_at_ms, life.trial_plan = fact.at_ms, fact.plan
    if not apply(&life.held, place, fact, &life.what):
        life.failed = True
    life.now = standing_of(&life.held, before.plan)
    if life.now.active:
        life.was_active = True
        life.last.arrives = life.last.arrives or not life.last.before.active
        if life.active_at_ms < 0:
            life.active_at_ms = fact.at_ms
    elif before.active:
        life.last.departs, life.last.leaving = True, before
        life.last.involuntary = fact.kind == CANCEL and fact.involuntary
    return True


cdef inline void copy_holdings(Holdings *to, const Holdings *source) noexcept nogil:
    cdef int n
    to.count = source.count
    for n in range(source.count):
        to.each[n] = source.each[n]


cdef inline Standing departed(const Movement *movement) noexcept nogil:
    """Return the customer as it counts as cancelled."""
    if movement.before.active or not movement.departs:
        return movement.before
    return movement.leaving


cdef inline Standing arrived(const Movement *movement) noexcept nogil:
    """Return the customer as it counts as new, or as reactivated."""
    return movement.leaving if movement.departs else movement.after


cdef inline bint is_plain(const Movement *movement, const Holdings *before, const Holdings *after) noexcept nogil:
    """Return whether the customer has one subscription, the same at both ends, that is not paused at either."""
    if before.count > 1 or after.count > 1 or (movement.arrives and movement.departs):
        return False
    if before.count and after.count and compared(before.each[0].id, after.each[0].id) != 0:
        return False
    return not (before.count and before.each[0].is_paused) and not (after.count and after.each[0].is_paused)
