SELECT
    sum(visitors),
    sum(visits),
    sum(views),
    sum(bounces),
    sum(seconds)
FROM traffic
WHERE site = {site:String}
  AND $hours
