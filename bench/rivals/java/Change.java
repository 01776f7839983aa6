/** What an event adds to one cell, and the rules of the job; rules.py says the same in Python. */
public class Change {
    public static final int NEW = 0, LOST = 1, UPGRADES = 2, DOWNGRADES = 3, SURVEYS = 4, MRR = 5, COUNTERS = 6;
    public static final int NOTHING = -1;

    /** Day and plan. */
    public String cell;
    /** The counter that goes up by one, or NOTHING. */
    public int counter;
    /** By how much the MRR changes, in minor units. */
    public long mrr;

    public Change() {}

    private Change(Event event, String plan, int counter, long mrr) {
        this.cell = event.time.substring(0, 10) + "|" + plan;
        this.counter = counter;
        this.mrr = mrr;
    }

    /** Add it to the counters of its cell. */
    public void addTo(long[] counters) {
        if (counter != NOTHING) {
            counters[counter]++;
        }
        counters[MRR] += mrr;
    }

    /** Apply an event to its customer, whose state it alters. */
    public static Change by(Event event, Customer customer) {
        if (event.type.equals("survey")) {
            return new Change(event, customer.subscribed ? customer.plan : "none", SURVEYS, 0);
        }
        long before = customer.mrr;
        if (event.type.equals("cancel") && customer.subscribed) {
            customer.subscribed = false;
            customer.mrr = 0;
        } else if (event.type.equals("signup") || (!event.type.equals("cancel") && customer.subscribed)) {
            customer.subscribed = true;
            customer.plan = event.plan;
            customer.mrr = event.mrr;
        } else {
            return new Change(event, "none", NOTHING, 0);
        }
        return new Change(event, customer.plan, counterOf(before, customer.mrr), customer.mrr - before);
    }

    /** The counter of a change of MRR: who pays nothing is no customer. */
    private static int counterOf(long before, long after) {
        if (before == after) {
            return NOTHING;
        }
        if (before == 0) {
            return NEW;
        }
        if (after == 0) {
            return LOST;
        }
        return after > before ? UPGRADES : DOWNGRADES;
    }
}
