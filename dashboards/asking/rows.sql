SELECT
    $names,
    $totals,
    countIf($any) OVER () AS groups
FROM (
    SELECT
        $keys,
        $sums
    FROM {view:Identifier}
    WHERE site = {site:String}
      AND $within
      AND $filters
    GROUP BY $group
)
ORDER BY NOT ($any), $order
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
