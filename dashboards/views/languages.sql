SELECT
    language AS label,
    '' AS detail,
    sum(visitors) AS total_visitors,
    sum(visits) AS total_visits,
    sum(views) AS total_views,
    sum(bounces) AS total_bounces,
    sum(seconds) AS total_seconds,
    count() OVER () AS groups,
    max(total_visitors) OVER () AS largest
FROM languages
WHERE site = {site:String}
  AND $days
GROUP BY label
HAVING total_visitors > 0 OR total_visits > 0 OR total_views > 0
ORDER BY label = '(other)', total_visitors DESC, total_views DESC, label
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
