SELECT
    page AS label,
    '' AS detail,
    sum(visitors) AS total_visitors,
    toInt64(0) AS total_visits,
    sum(views) AS total_views,
    toInt64(0) AS total_bounces,
    toInt64(0) AS total_seconds,
    count() OVER () AS groups,
    max(total_visitors) OVER () AS largest
FROM pages
WHERE site = {site:String}
  AND $days
GROUP BY label
HAVING total_visitors > 0 OR total_views > 0
ORDER BY label = '(other)', total_visitors DESC, total_views DESC, label
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
