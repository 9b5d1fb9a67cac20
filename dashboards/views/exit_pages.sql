SELECT
    page AS label,
    '' AS detail,
    sum(visitors) AS total_visitors,
    sum(visits) AS total_visits,
    toInt64(0) AS total_views,
    toInt64(0) AS total_bounces,
    toInt64(0) AS total_seconds,
    count() OVER () AS groups,
    max(total_visits) OVER () AS largest
FROM exit_pages
WHERE site = {site:String}
  AND $days
GROUP BY label
HAVING total_visits > 0
ORDER BY label = '(other)', total_visits DESC, label
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
