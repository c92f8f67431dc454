"""Boosting by xgboost in batches: in this process or on a cluster."""
