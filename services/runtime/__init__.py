"""What every process needs and no vehicle: settings, logging, metrics, clock, health, the Kafka loop, local servers."""
