"""Questions by JSON: `/api/v1/query`, Plausible's shape at `/api/v2/query`, their description."""
