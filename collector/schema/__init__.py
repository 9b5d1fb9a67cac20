"""The ClickHouse schema, derived from the policy and from `CountedHit`."""
