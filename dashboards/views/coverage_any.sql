SELECT 1
FROM coverage
WHERE site = {site:String}
  AND hits > 0
LIMIT 1
