import java.util.Arrays;
import java.util.function.BiConsumer;

/** Sums by hour and column: what an event changes. A table of open addresses, since boxed keys took most of the job's time. */
public class Deltas {
    private static final int EMPTY = Integer.MIN_VALUE;

    private int[] keys = new int[256];
    private long[] sums = new long[256];
    private int size;

    public Deltas() {
        Arrays.fill(keys, EMPTY);
    }

    public void add(int hour, int column, long amount) {
        if (amount != 0) {
            if (2 * size >= keys.length) {
                grow();
            }
            put(hour * Columns.COUNT + column, amount);
        }
    }

    private void put(int key, long amount) {
        int place = (key * 0x9E3779B9) >>> 8 & keys.length - 1;
        while (keys[place] != key) {
            if (keys[place] == EMPTY) {
                keys[place] = key;
                size++;
                break;
            }
            place = place + 1 & keys.length - 1;
        }
        sums[place] += amount;
    }

    private void grow() {
        int[] oldKeys = keys;
        long[] oldSums = sums;
        keys = new int[2 * oldKeys.length];
        sums = new long[keys.length];
        size = 0;
        Arrays.fill(keys, EMPTY);
        for (int n = 0; n < oldKeys.length; n++) {
            if (oldKeys[n] != EMPTY) {
                put(oldKeys[n], oldSums[n]);
            }
        }
    }

    /** Give out what is not 0, each hour once, and forget everything. */
    public void drain(BiConsumer<Integer, long[]> out) {
        int[] found = Arrays.stream(keys).filter(key -> key != EMPTY).sorted().toArray();
        int hour = EMPTY;
        long[] pairs = new long[0];
        for (int key : found) {
            long sum = sumOf(key);
            if (sum != 0) {
                if (pairs.length > 0 && Math.floorDiv(key, Columns.COUNT) != hour) {
                    out.accept(hour, pairs);
                    pairs = new long[0];
                }
                hour = Math.floorDiv(key, Columns.COUNT);
                pairs = Arrays.copyOf(pairs, pairs.length + 2);
                pairs[pairs.length - 2] = Math.floorMod(key, Columns.COUNT);
                pairs[pairs.length - 1] = sum;
            }
        }
        if (pairs.length > 0) {
            out.accept(hour, pairs);
        }
        Arrays.fill(keys, EMPTY);
        Arrays.fill(sums, 0);
        size = 0;
    }

    private long sumOf(int key) {
        int place = (key * 0x9E3779B9) >>> 8 & keys.length - 1;
        while (keys[place] != key) {
            place = place + 1 & keys.length - 1;
        }
        return sums[place];
    }
}
