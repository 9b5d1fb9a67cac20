SELECT
    $sums
FROM {view:Identifier}
WHERE site = {site:String}
  AND $within
  AND $filters
