SELECT
    $number AS number,
    sum(visitors) AS counted,
    sumIf(visitors, $hidden) AS hidden,
    sumIf(visitors, $period IS NULL) AS dayless
FROM {view_$number:Identifier}
WHERE site = {site:String}
  AND month BETWEEN toStartOfMonth({first:Date}) AND {last:Date}
  AND ($period IS NULL OR toDate($period) BETWEEN {first:Date} AND {last:Date})
