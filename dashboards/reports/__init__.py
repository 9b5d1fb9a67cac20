"""Reports: which there are, what they ask, and their lists ready to be shown."""
