"""The gate: whether a version may take the place of the one that is in use."""
