SELECT
    toHour(hour) AS bucket,
    sum(visitors),
    sum(visits),
    sum(views),
    sum(bounces),
    sum(seconds)
FROM traffic
WHERE site = {site:String}
  AND $hours
GROUP BY bucket
ORDER BY bucket
