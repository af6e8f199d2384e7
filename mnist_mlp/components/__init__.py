"""What a config may construct, and what that takes: read without importing it."""
