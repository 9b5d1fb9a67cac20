"""Show the guarded views to analysts: rows in, pages out; never a hit, a key or an address."""
