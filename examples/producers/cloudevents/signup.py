"""Sends a signup as a CloudEvent for each customer that is named: `python signup.py c-1 c-2`.

Needs: pip install confluent-kafka cloudevents.
"""

import os
import sys

from cloudevents.core.bindings.kafka import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA", "127.0.0.1:9092"),
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
    }
)
for customer in sys.argv[1:]:
    # The library adds an id and the time; the customer is the subject, and the record's key.
    attributes = {"type": "com.example.billing.signup", "source": "billing", "subject": customer}
    event = CloudEvent(attributes, {"plan": "pro", "mrr_minor": 4900, "currency": "USD"})
    message = to_binary_event(event, key_mapper=lambda event: event.get_subject())
    topic = os.environ.get("TOPIC", "customer.signup")
    producer.produce(topic, message.value, key=message.key, headers=list(message.headers.items()))
if producer.flush(30):
    sys.exit("Kafka did not take every event within 30 seconds; send them again, with the same ids")
