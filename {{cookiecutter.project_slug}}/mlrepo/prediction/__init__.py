"""Predict for a table of any size: the model, its rows in batches, the file that is written."""
