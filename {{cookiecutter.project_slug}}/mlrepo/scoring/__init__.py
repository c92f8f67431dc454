"""What a model is worth: scores, intervals, importance, plots and the card."""
