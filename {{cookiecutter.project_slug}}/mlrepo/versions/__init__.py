"""Versions of the models: recorded, proven, released and taken back, in Git tags that GTO reads.

Read in this order: `tags` (what is written), `registry` (what it means), `record` (what a version
says of itself), `register` and `promotion` (how both come to be), `verify` and `rebuild` (how they
are proven).
"""
