import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * All facts of a customer with one subscription, and what they add to the cells: the counts of docs/definitions.md, section 3, for all
 * customers. Facts may come in any order and repeatedly. Trials, pauses and corrections are left out: the job has none.
 */
public class History {
    private static final int HOURS_OF_DAY = 24, WEEK_MS = 7 * 24 * 3_600_000;

    /** In their order. */
    public List<Fact> facts = new ArrayList<>();

    /** Take a fact in; return whether it is a new one. */
    public boolean take(Fact fact) {
        for (Fact each : facts) {
            if (each.id.equals(fact.id)) {
                return false;
            }
        }
        int place = Collections.binarySearch(facts, fact);
        facts.add(place < 0 ? -place - 1 : place + 1, fact);
        return true;
    }

    /** Add what the customer counts to all cells, or take it away (sign -1). */
    public void addTo(Deltas deltas, int sign) {
        Walk walk = new Walk(deltas, sign);
        for (Fact fact : facts) {
            walk.step(fact);
        }
        walk.closeHour();
        maturing(deltas, sign);
        for (int n = 0; n < Columns.DAYS.length; n++) {
            walk.window(Columns.DAYS[n] * HOURS_OF_DAY, Columns.WINDOWS + n * Columns.WIDE);
        }
    }

    private void maturing(Deltas deltas, int sign) {
        Fact first = null;
        for (Fact fact : facts) {
            if (fact.kind == Fact.SIGNUP) {
                first = fact;
                break;
            }
        }
        if (first == null) {
            return;
        }
        deltas.add(first.hour(), Columns.SIGNUPS, sign);
        long week = first.time + WEEK_MS, fortnight = week + WEEK_MS;
        boolean open = false, answered = false;
        for (Fact fact : facts) {
            if (fact.time < week && fact.kind != Fact.SURVEY) {
                open = fact.kind == Fact.SIGNUP || open && fact.kind != Fact.CANCEL;
            }
            answered |= isAnswer(fact) && fact.time >= week && fact.time < fortnight;
        }
        int matured = hourOf(week);
        deltas.add(matured, Columns.DROPOFF_MATURED, sign);
        if (!open) {
            deltas.add(matured, Columns.DROPOFF_CANCELLED, sign);
            return;
        }
        deltas.add(hourOf(fortnight), Columns.SILENT_MATURED, sign);
        deltas.add(hourOf(fortnight), Columns.SILENT, answered ? 0 : sign);
    }

    private static int hourOf(long time) {
        return (int) Math.floorDiv(time, 3_600_000L);
    }

    private static boolean isAnswer(Fact fact) {
        return fact.kind == Fact.SURVEY && fact.status.equals("answered");
    }

    /** A walk through the facts, hour by hour: what is netted, and what windows need. */
    private static class Walk {
        private final Deltas deltas;
        private final int sign;
        /** States: the hour from whose start on it holds, and the MRR (0: not active). */
        private final List<long[]> states = new ArrayList<>();
        private final List<Integer> lost = new ArrayList<>(), answered = new ArrayList<>();

        private int hour = Integer.MIN_VALUE;
        private boolean open, paid, everPaid, everBefore, involuntary;
        private long mrr, before, lastPaid;

        Walk(Deltas deltas, int sign) {
            this.deltas = deltas;
            this.sign = sign;
            states.add(new long[] {Integer.MIN_VALUE, 0});
        }

        void step(Fact fact) {
            if (fact.hour() != hour) {
                closeHour();
                hour = fact.hour();
            }
            if (fact.kind == Fact.SURVEY) {
                survey(fact);
            } else if (fact.kind != Fact.SIGNUP && !open) {
                deltas.add(hour, fact.kind == Fact.CANCEL ? Columns.IDLE_CANCELS : Columns.IDLE_CHANGES, sign);
            } else {
                long was = mrr;
                open = fact.kind != Fact.CANCEL;
                mrr = open ? fact.mrr : 0;
                if (was > 0 && mrr == 0) {
                    lastPaid = was;
                    involuntary = fact.kind == Fact.CANCEL && fact.involuntary;
                }
                paid |= mrr > 0;
                everPaid |= mrr > 0;
            }
        }

        private void survey(Fact fact) {
            switch (fact.status) {
                case "sent" -> deltas.add(hour, Columns.SENT, sign);
                case "dismissed" -> deltas.add(hour, Columns.DISMISSED, sign);
                default -> {
                    deltas.add(hour, Columns.ANSWERED, sign);
                    int band = fact.score >= 9 ? Columns.PROMOTERS : fact.score >= 7 ? Columns.PASSIVES : Columns.DETRACTORS;
                    deltas.add(hour, band, sign);
                    answered.add(hour);
                }
            }
        }

        void closeHour() {
            if (before > 0 && mrr > 0 && mrr != before) {
                boolean rose = mrr > before;
                deltas.add(hour, rose ? Columns.UPGRADES : Columns.DOWNGRADES, sign);
                deltas.add(hour, rose ? Columns.MRR_EXPANSION : Columns.MRR_CONTRACTION, sign * Math.abs(mrr - before));
            } else if (before == 0 && paid) {
                long gained = mrr > 0 ? mrr : lastPaid;
                deltas.add(hour, everBefore ? Columns.REACTIVATED : Columns.NEW, sign);
                deltas.add(hour, everBefore ? Columns.MRR_REACTIVATED : Columns.MRR_NEW, sign * gained);
            }
            if (mrr == 0 && (before > 0 || paid)) {
                deltas.add(hour, Columns.CANCELLATIONS, sign);
                deltas.add(hour, Columns.INVOLUNTARY, involuntary ? sign : 0);
                deltas.add(hour, Columns.MRR_CHURNED, sign * (before > 0 ? before : lastPaid));
                lost.add(hour);
            }
            if (mrr != before) {
                deltas.add(hour, Columns.ACTIVE, sign * ((mrr > 0 ? 1 : 0) - (before > 0 ? 1 : 0)));
                deltas.add(hour, Columns.MRR, sign * (mrr - before));
                states.add(new long[] {hour + 1, mrr});
            }
            before = mrr;
            paid = false;
            everBefore = everPaid;
        }

        /** Add what windows of so many hours count, wherever it changes with their end. */
        void window(int width, int column) {
            int[] ends = new int[2 * (states.size() - 1 + lost.size() + answered.size())];
            int count = 0;
            for (int n = 1; n < states.size(); n++) {
                ends[count++] = (int) states.get(n)[0];
                ends[count++] = (int) states.get(n)[0] + width;
            }
            for (List<Integer> hours : List.of(lost, answered)) {
                for (int each : hours) {
                    ends[count++] = each + 1;
                    ends[count++] = each + 1 + width;
                }
            }
            java.util.Arrays.sort(ends);
            long[] last = new long[Columns.WIDE];
            for (int n = 0; n < count; n++) {
                if (n == 0 || ends[n] != ends[n - 1]) {
                    long[] now = counts(ends[n], width);
                    for (int each = 0; each < Columns.WIDE; each++) {
                        deltas.add(ends[n] - 1, column + each, sign * (now[each] - last[each]));
                    }
                    last = now;
                }
            }
        }

        private long[] counts(int end, int width) {
            long start = mrrAt(end - width), now = mrrAt(end);
            long[] found = new long[Columns.WIDE];
            if (start > 0 && now > 0) {
                found[Columns.RETAINED] = 1;
                found[Columns.GROSS] = Math.min(start, now);
                found[Columns.NET] = now;
            }
            found[Columns.OF_NEW] = start > 0 ? 0 : within(lost, end, width);
            found[Columns.ENGAGED] = now > 0 && within(answered, end, width) > 0 ? 1 : 0;
            return found;
        }

        private long mrrAt(int end) {
            int n = states.size() - 1;
            while (states.get(n)[0] > end) {
                n--;
            }
            return states.get(n)[1];
        }

        private static long within(List<Integer> hours, int end, int width) {
            long found = 0;
            for (int each : hours) {
                found += each >= end - width && each < end ? 1 : 0;
            }
            return found;
        }
    }
}
