"""Copies of what Git and DVC hold, in a tracker for people to look at; nothing depends on them."""
