"""What is recorded of a version: how it is made, read of earlier releases, and exported."""
