"""Read, type, check and divide a table."""
