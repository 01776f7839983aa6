// Sends a signup of each customer that is named: `go run . c-1 c-2`.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	// franz-go partitions by key as Kafka does, and is idempotent. segmentio/kafka-go needs Murmur2Balancer, sarama a
	// partitioner of its own.
	client, err := kgo.NewClient(kgo.SeedBrokers(setting("KAFKA", "127.0.0.1:9092")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, customer := range os.Args[1:] {
		event, _ := json.Marshal(map[string]any{
			"id": newID(), "type": "signup", "customer_id": customer, "time": time.Now().UTC(),
			"plan": "pro", "mrr_minor": 4900, "currency": "USD",
		})
		topic := setting("TOPIC", "customer.signup")
		record := &kgo.Record{Topic: topic, Key: []byte(customer), Value: event}
		if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
			log.Fatal(err)
		}
	}
}

func newID() string {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		log.Fatal(err)
	}
	return hex.EncodeToString(random)
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
