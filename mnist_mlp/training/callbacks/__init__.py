"""What is recorded and shown while a network trains."""
