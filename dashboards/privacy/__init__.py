"""What the page of privacy shows: refusals, withheld groups, promises kept."""
