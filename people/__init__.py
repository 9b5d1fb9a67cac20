"""Who may see the numbers: users, roles, second factors, sessions and shares, in one file."""
