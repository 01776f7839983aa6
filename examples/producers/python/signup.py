"""Sends a signup of each customer that is named: `python signup.py c-1 c-2`. Needs: pip install confluent-kafka."""

import json
import os
import sys
import uuid
from datetime import UTC, datetime

from confluent_kafka import Producer

# librdkafka's own default partitioner is another one than Kafka's: name Kafka's.
producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA", "127.0.0.1:9092"),
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
    }
)
for customer in sys.argv[1:]:
    event = {
        "id": str(uuid.uuid4()), "type": "signup", "customer_id": customer, "time": datetime.now(UTC).isoformat(),
        "plan": "pro", "mrr_minor": 4900, "currency": "USD",
    }  # fmt: skip
    producer.produce(os.environ.get("TOPIC", "customer.signup"), json.dumps(event), key=customer)
if producer.flush(30):
    sys.exit("Kafka did not take every event within 30 seconds; send them again, with the same ids")
