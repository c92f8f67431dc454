"""Take another table: how it is written, what its columns are, and what params.yaml says."""
