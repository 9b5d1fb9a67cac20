SELECT
    reason,
    sum(hits) AS total
FROM coverage
WHERE site = {site:String}
  AND day BETWEEN {first:Date} AND {last:Date}
GROUP BY reason
HAVING total > 0
ORDER BY total DESC, reason
