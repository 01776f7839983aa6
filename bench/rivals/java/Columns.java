/** The columns of an hour's cell; counts.py names them in the same order. */
public class Columns {
    // How many, and what they pay, after an hour against before it.
    public static final int ACTIVE = 0, MRR = 1;
    // What happened in an hour.
    public static final int SIGNUPS = 2, NEW = 3, REACTIVATED = 4, CANCELLATIONS = 5, INVOLUNTARY = 6, UPGRADES = 7, DOWNGRADES = 8;
    public static final int MRR_NEW = 9, MRR_REACTIVATED = 10, MRR_CHURNED = 11, MRR_EXPANSION = 12, MRR_CONTRACTION = 13;
    public static final int DROPOFF_MATURED = 14, DROPOFF_CANCELLED = 15, SILENT_MATURED = 16, SILENT = 17;
    public static final int SENT = 18, ANSWERED = 19, DISMISSED = 20, PROMOTERS = 21, PASSIVES = 22, DETRACTORS = 23;
    public static final int IDLE_CHANGES = 24, IDLE_CANCELS = 25;
    // Of a window that ends after an hour, against one that ends before it; for each of DAYS, WIDE columns.
    public static final int[] DAYS = {1, 7, 30, 90, 365};
    public static final int WINDOWS = 26, RETAINED = 0, GROSS = 1, NET = 2, OF_NEW = 3, ENGAGED = 4, WIDE = 5;
    public static final int COUNT = WINDOWS + 5 * WIDE;
}
