/** What an event changes of an hour's cell. */
public class HourChange {
    public int hour;
    /** Whether it is the first one of its event. */
    public boolean first;
    /** A column and by how much it changes, in turns. */
    public long[] pairs;

    public HourChange() {}

    public HourChange(int hour, boolean first, long[] pairs) {
        this.hour = hour;
        this.first = first;
        this.pairs = pairs;
    }

    /** Add it to the values of its cell. */
    public void addTo(long[] values) {
        for (int n = 0; n < pairs.length; n += 2) {
            values[(int) pairs[n]] += pairs[n + 1];
        }
    }
}
