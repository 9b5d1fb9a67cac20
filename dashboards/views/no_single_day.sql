SELECT sum({measure:Identifier})
FROM {view:Identifier}
WHERE site = {site:String}
  AND {period:Identifier} IS NULL
  AND month IN ({first:Date}, {last:Date})
