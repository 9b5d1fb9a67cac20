"""Who may see the numbers: users and their roles, second factors and sessions, in one file."""
