"""What leaves the store when: small groups, then whole months."""
