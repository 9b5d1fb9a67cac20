SELECT
    $keys,
    $sums,
    $totals,
    count() OVER () AS groups
FROM {view:Identifier}
WHERE site = {site:String}
  AND $within
  AND $filters
GROUP BY $group
HAVING $any
ORDER BY $order
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
