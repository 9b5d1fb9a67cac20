"""Pages for who has a link in place of a login."""
