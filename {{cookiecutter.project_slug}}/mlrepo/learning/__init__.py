"""Choose features, make the estimator, fit it, and let it predict."""
