SELECT
    toDate(min($hour)),
    toDate(max($hour))
FROM traffic
WHERE site = {site:String}
  AND views > 0
HAVING count() > 0
