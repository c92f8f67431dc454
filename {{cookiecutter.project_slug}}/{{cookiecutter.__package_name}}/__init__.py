"""Your own code: one page for each stage, and what is particular to this data and model."""
