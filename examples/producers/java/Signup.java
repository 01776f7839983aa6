// Sends a signup of each customer that is named: `java -cp 'lib/*' Signup.java c-1 c-2`.
// Needs: org.apache.kafka:kafka-clients. Its default partitioner is the right one.
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Signup {
    public static void main(String[] customers) throws Exception {
        Map<String, String> environment = System.getenv();
        Map<String, Object> options = Map.of("bootstrap.servers", environment.getOrDefault("KAFKA", "127.0.0.1:9092"));
        try (var producer = new KafkaProducer<>(options, new StringSerializer(), new StringSerializer())) {
            for (String customer : customers) {
                String event = """
                        {"id": "%s", "type": "signup", "customer_id": "%s", "time": "%s",
                         "plan": "pro", "mrr_minor": 4900, "currency": "USD"}"""
                        .formatted(UUID.randomUUID(), customer, Instant.now());
                String topic = environment.getOrDefault("TOPIC", "customer.signup");
                producer.send(new ProducerRecord<>(topic, customer, event)).get();
            }
        }
    }
}
