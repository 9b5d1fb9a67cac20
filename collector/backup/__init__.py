"""Backups: what a collector keeps → a folder with checksums, and back into a new place."""
