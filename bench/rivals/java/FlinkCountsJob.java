import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/** The product's counts for all customers in Flink; arguments, checkpoints and the source are those of FlinkJob. */
public class FlinkCountsJob {
    private static final Map<String, long[]> FOUND = new ConcurrentHashMap<>();

    /** Events by customer to changes of hours: what the customer counts with the event, less what it counted without. */
    public static class Following extends KeyedProcessFunction<String, Event, HourChange> {
        private transient ValueState<History> state;
        private transient Deltas deltas;

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("history", History.class));
            deltas = new Deltas();
        }

        @Override
        public void processElement(Event event, Context context, Collector<HourChange> out) throws IOException {
            History stored = state.value();
            History history = stored == null ? new History() : stored;
            Fact fact = new Fact(event);
            out.collect(new HourChange(fact.hour(), true, new long[0]));
            history.addTo(deltas, -1);
            if (history.take(fact)) {
                state.update(history);
            }
            history.addTo(deltas, 1);
            deltas.drain((hour, pairs) -> out.collect(new HourChange(hour, false, pairs)));
        }
    }

    /** Changes by hour to its cell, which is told once the topic has ended. */
    public static class Counting extends KeyedProcessFunction<Integer, HourChange, String> {
        private transient ValueState<long[]> state;
        private final long expected;

        Counting(long expected) {
            this.expected = expected;
        }

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>(
                    "values", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
        }

        @Override
        public void processElement(HourChange change, Context context, Collector<String> out) throws IOException {
            if (change.first) {
                Meter.count();
                if (Meter.events() == expected) {
                    Meter.last();
                }
            }
            long[] values = state.value();
            if (values == null) {
                values = new long[Columns.COUNT];
                context.timerService().registerEventTimeTimer(Long.MAX_VALUE - 1);
            }
            change.addTo(values);
            state.update(values);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<String> out) throws IOException {
            FOUND.put(context.getCurrentKey().toString(), state.value());
        }
    }

    public static void main(String[] arguments) throws Exception {
        var environment = FlinkJob.environment(arguments);
        FlinkJob.events(environment, arguments)
                .keyBy(event -> event.customer)
                .process(new Following())
                .keyBy(change -> change.hour)
                .process(new Counting(Long.parseLong(arguments[2])))
                .sinkTo(new DiscardingSink<>());
        environment.execute();
        Meter.print(FOUND);
        System.exit(0);
    }
}
