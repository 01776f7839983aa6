// Sends a signup of each customer that is named: `node signup.mjs c-1 c-2`. Needs: npm install kafkajs.
import { randomUUID } from "node:crypto";
import { Kafka, Partitioners } from "kafkajs";

const kafka = new Kafka({ brokers: [process.env.KAFKA ?? "127.0.0.1:9092"] });
// kafkajs' LegacyPartitioner is another one than Kafka's: name Kafka's.
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true });
await producer.connect();
const messages = process.argv.slice(2).map((customer) => ({
  key: customer,
  value: JSON.stringify({
    id: randomUUID(), type: "signup", customer_id: customer, time: new Date().toISOString(),
    plan: "pro", mrr_minor: 4900, currency: "USD",
  }),
}));
await producer.send({ topic: process.env.TOPIC ?? "customer.signup", acks: -1, messages });
await producer.disconnect();
