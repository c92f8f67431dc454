"""Proofs for people outside: seals of the chain, time stamps, and signed folders and statements."""
