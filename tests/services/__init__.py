"""Real servers for the tests: Kafka, Redis, a Redis Cluster, and any process that a test starts, kills and pauses.

Each runs on free loopback ports with its data in a temporary folder, and ends with the test process, however that ends.
"""
