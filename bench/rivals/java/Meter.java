import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.StringJoiner;

/** CPU of this process and wall time, from the first event on; `print` writes a line of JSON. */
public class Meter {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private static volatile long events, firstNanos, lastNanos, firstCpuNanos;

    /** Count an event; only one thread does. */
    public static void count() {
        if (events == 0) {
            firstNanos = System.nanoTime();
            firstCpuNanos = SYSTEM.getProcessCpuTime();
        }
        events++;
    }

    /** Take the time of the last event. */
    public static void last() {
        lastNanos = System.nanoTime();
    }

    public static long events() {
        return events;
    }

    /** Print what was measured, once all is stored, and the cells. */
    public static void print(Map<String, long[]> cells) throws IOException {
        double cpu = (SYSTEM.getProcessCpuTime() - firstCpuNanos) / 1e9;
        StringJoiner all = new StringJoiner(",", "{", "}");
        cells.forEach((cell, counters) -> all.add("\"" + cell + "\":" + Arrays.toString(counters)));
        System.out.println("{\"events\":" + events + ",\"cpu_seconds\":" + cpu
                + ",\"wall_seconds\":" + (lastNanos - firstNanos) / 1e9
                + ",\"startup_seconds\":" + firstCpuNanos / 1e9
                + ",\"peak_bytes\":" + peakBytes() + ",\"cells\":" + all + "}");
        System.out.flush();
    }

    private static long peakBytes() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            String line = lines.filter(each -> each.startsWith("VmHWM:")).findFirst().orElseThrow();
            return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
    }
}
