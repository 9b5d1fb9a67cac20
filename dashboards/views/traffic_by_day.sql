SELECT
    toDate(hour) AS bucket,
    sum(visitors),
    sum(visits),
    sum(views),
    sum(bounces),
    sum(seconds)
FROM traffic
WHERE site = {site:String}
  AND hour >= {start:DateTime('UTC')}
  AND hour < {end:DateTime('UTC')}
GROUP BY bucket
ORDER BY bucket
