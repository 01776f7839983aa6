import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/** The rivals' job in Flink, one slot in this JVM: BOOTSTRAP TOPIC EVENTS FOLDER BACKEND; a checkpoint every 10 s. */
public class FlinkJob {
    private static final long CHECKPOINT_MS = 10_000;
    private static final Map<String, long[]> FOUND = new ConcurrentHashMap<>();

    /** Values of records as events. */
    public static class Reading extends AbstractDeserializationSchema<Event> {
        public Reading() {
            super(Event.class);
        }

        @Override
        public Event deserialize(byte[] value) throws IOException {
            return Event.of(value);
        }
    }

    /** Events by customer to changes of cells. */
    public static class Following extends KeyedProcessFunction<String, Event, Change> {
        private transient ValueState<Customer> state;

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("customer", Customer.class));
        }

        @Override
        public void processElement(Event event, Context context, Collector<Change> out) throws IOException {
            Customer stored = state.value();
            Customer customer = stored == null ? new Customer() : stored;
            Change change = Change.by(event, customer);
            if (!event.type.equals("survey")) {
                state.update(customer);
            }
            out.collect(change);
        }
    }

    /** Changes by cell to its counters, which are told once the topic has ended. */
    public static class Counting extends KeyedProcessFunction<String, Change, String> {
        private transient ValueState<long[]> state;
        private final long expected;

        Counting(long expected) {
            this.expected = expected;
        }

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>(
                    "counters", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
        }

        @Override
        public void processElement(Change change, Context context, Collector<String> out) throws IOException {
            Meter.count();
            long[] counters = state.value();
            if (counters == null) {
                counters = new long[Change.COUNTERS];
                context.timerService().registerEventTimeTimer(Long.MAX_VALUE - 1);
            }
            change.addTo(counters);
            state.update(counters);
            if (Meter.events() == expected) {
                Meter.last();
            }
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<String> out) throws IOException {
            FOUND.put(context.getCurrentKey(), state.value());
        }
    }

    private static Configuration settings(String folder, String backend) {
        Configuration settings = new Configuration();
        settings.set(StateBackendOptions.STATE_BACKEND, backend);
        settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + folder + "/checkpoints");
        settings.setString("io.tmp.dirs", folder);
        settings.setString("taskmanager.memory.managed.size", "256m");
        settings.setString("taskmanager.memory.network.min", "64m");
        settings.setString("taskmanager.memory.network.max", "64m");
        return settings;
    }

    /** The environment of both jobs. */
    static StreamExecutionEnvironment environment(String[] arguments) {
        var environment = StreamExecutionEnvironment.createLocalEnvironment(1, settings(arguments[3], arguments[4]));
        environment.enableCheckpointing(CHECKPOINT_MS);
        environment.getConfig().enableObjectReuse();
        return environment;
    }

    /** The topic's events up to its end. */
    static DataStream<Event> events(StreamExecutionEnvironment environment, String[] arguments) {
        KafkaSource<Event> source = KafkaSource.<Event>builder()
                .setBootstrapServers(arguments[0])
                .setTopics(arguments[1])
                .setGroupId("rival-flink")
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setValueOnlyDeserializer(new Reading())
                .build();
        return environment.fromSource(source, WatermarkStrategy.noWatermarks(), "events");
    }

    public static void main(String[] arguments) throws Exception {
        var environment = environment(arguments);
        events(environment, arguments)
                .keyBy(event -> event.customer)
                .process(new Following())
                .keyBy(change -> change.cell)
                .process(new Counting(Long.parseLong(arguments[2])))
                .sinkTo(new DiscardingSink<>());
        // Ends with a last checkpoint; what is printed includes it.
        environment.execute();
        Meter.print(FOUND);
        System.exit(0);
    }
}
