"""Logging in and out, sessions, and waiting after failures."""
