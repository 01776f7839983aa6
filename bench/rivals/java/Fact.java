import java.time.Instant;

/** A fact of a customer as the job of all counts keeps it: a lifecycle event or a survey. */
public class Fact implements Comparable<Fact> {
    /** In the order in which facts of one instant go. */
    public static final int SIGNUP = 0, CHANGE = 1, CANCEL = 2, SURVEY = 3;

    public String id;
    public int kind;
    /** Event time, ms since 1970. */
    public long time;
    /** Of a signup or a change, in minor units. */
    public long mrr;
    public boolean involuntary;
    /** Of a survey: sent, answered or dismissed. */
    public String status;
    /** Of an answered survey; -1 where there is none. */
    public int score;

    public Fact() {}

    public Fact(Event event) {
        id = event.id;
        time = Instant.parse(event.time).toEpochMilli();
        mrr = event.mrr;
        involuntary = event.involuntary;
        status = event.status;
        score = event.score;
        kind = switch (event.type) {
            case "signup" -> SIGNUP;
            case "cancel" -> CANCEL;
            case "survey" -> SURVEY;
            default -> CHANGE;
        };
    }

    @Override
    public int compareTo(Fact other) {
        int byTime = Long.compare(time, other.time);
        return byTime != 0 ? byTime : Integer.compare(kind, other.kind);
    }

    public int hour() {
        return (int) Math.floorDiv(time, 3_600_000L);
    }
}
