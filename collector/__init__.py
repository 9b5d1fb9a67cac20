"""Receive hits, count them, and keep the counters."""
