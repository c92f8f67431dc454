"""Your own code: one page for each step, and what is particular to this data and model."""
