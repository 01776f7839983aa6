"""Stands in for `kafka-topics.sh`, which comes with Kafka's distribution but not with its jars.

It takes the options that the documents use, under the names that Kafka gives them, and no others; the topics are made by
a real client in a real Kafka.
"""

import argparse
import sys

from confluent_kafka.admin import AdminClient, NewTopic


def main() -> None:
    """Create one topic."""
    parser = argparse.ArgumentParser(prog="kafka-topics.sh", allow_abbrev=False)
    parser.add_argument("--bootstrap-server", required=True)
    parser.add_argument("--create", action="store_true", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    asked = parser.parse_args()
    client = AdminClient({"bootstrap.servers": asked.bootstrap_server})
    for created in client.create_topics([NewTopic(asked.topic, asked.partitions, 1)]).values():
        created.result(timeout=30)
    sys.stdout.write(f"Created topic {asked.topic}.\n")


if __name__ == "__main__":
    main()
