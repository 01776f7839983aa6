"""The gateway: takes events and webhooks over HTTP, and answers when Kafka has them."""
