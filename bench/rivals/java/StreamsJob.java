import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The rivals' job in Kafka Streams: BOOTSTRAP TOPIC EVENTS FOLDER GUARANTEE; stores in RocksDB, cached and logged. */
public class StreamsJob {
    private static final CountDownLatch DONE = new CountDownLatch(1);

    private static class Counting implements Processor<String, byte[], Void, Void> {
        private final long expected;
        private KeyValueStore<String, byte[]> customers, cells;

        Counting(long expected) {
            this.expected = expected;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            customers = context.getStateStore("customers");
            cells = context.getStateStore("cells");
        }

        @Override
        public void process(Record<String, byte[]> record) {
            Meter.count();
            Event event = read(record.value());
            Customer customer = customerOf(customers.get(event.customer));
            Change change = Change.by(event, customer);
            if (!event.type.equals("survey")) {
                customers.put(event.customer, bytesOf(customer));
            }
            long[] counters = countersOf(cells.get(change.cell));
            change.addTo(counters);
            cells.put(change.cell, bytesOf(counters));
            if (Meter.events() == expected) {
                Meter.last();
                DONE.countDown();
            }
        }
    }

    private static Event read(byte[] value) {
        try {
            return Event.of(value);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static Customer customerOf(byte[] stored) {
        Customer customer = new Customer();
        if (stored != null) {
            ByteBuffer buffer = ByteBuffer.wrap(stored);
            customer.subscribed = buffer.get() == 1;
            customer.mrr = buffer.getLong();
            customer.plan = new String(stored, 9, stored.length - 9, StandardCharsets.UTF_8);
        }
        return customer;
    }

    private static byte[] bytesOf(Customer customer) {
        byte[] plan = customer.plan.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer = ByteBuffer.allocate(9 + plan.length);
        return buffer.put((byte) (customer.subscribed ? 1 : 0)).putLong(customer.mrr).put(plan).array();
    }

    private static long[] countersOf(byte[] stored) {
        long[] counters = new long[Change.COUNTERS];
        if (stored != null) {
            ByteBuffer.wrap(stored).asLongBuffer().get(counters);
        }
        return counters;
    }

    private static byte[] bytesOf(long[] counters) {
        ByteBuffer buffer = ByteBuffer.allocate(8 * counters.length);
        buffer.asLongBuffer().put(counters);
        return buffer.array();
    }

    private static StoreBuilder<KeyValueStore<String, byte[]>> store(String name) {
        return Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(name), Serdes.String(), Serdes.ByteArray())
                .withCachingEnabled();
    }

    public static void main(String[] arguments) throws InterruptedException, IOException {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "rival-" + arguments[4]);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[3]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, arguments[4]);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        long expected = Long.parseLong(arguments[2]);
        Topology topology = new Topology();
        topology.addSource("events", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), arguments[1])
                .addProcessor("counting", () -> new Counting(expected), "events")
                .addStateStore(store("customers"), "counting")
                .addStateStore(store("cells"), "counting");
        KafkaStreams streams = new KafkaStreams(topology, settings);
        streams.start();
        DONE.await();
        Map<String, long[]> found = new HashMap<>();
        var cells = streams.store(StoreQueryParameters.fromNameAndType(
                "cells", QueryableStoreTypes.<String, byte[]>keyValueStore()));
        try (var rows = cells.all()) {
            rows.forEachRemaining(row -> found.put(row.key, countersOf(row.value)));
        }
        // Flushes the stores and commits; what is printed includes it.
        streams.close(Duration.ofSeconds(60));
        Meter.print(found);
    }
}
