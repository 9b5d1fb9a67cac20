-- Each row of the inbox meets every kind of cell that a row of its `tells` may add to. Arrays hold
-- what differs by kind. Cells to which a row adds nothing are left out before the rest is grouped.
-- `adds` is one of: 0 hits, 1 visits and views, 2 views, 3 exit from, 4 exit to, 5 batch,
-- 6 events, 7 properties, 8 masks, 9 machines, 10 goals, 11 steps of funnels, 12 mail,
-- 13 deliveries, 14 engagement. A row's `tells` is 0, or the one from 6 on that it adds to; of
-- engagement, 6. Of mail, views are opens, numbers clicks, bounces unique opens and seconds
-- unsubscriptions; a row that takes back takes back its visitor, too.
-- What an insert tells of itself stands in its `log_comment`, words apart by spaces: the collector
-- it is from, the name of this query, and the partitions that hold its rows already.
SELECT
    $statistics[kind] AS statistic,
    $keep_days[kind] AS keep_days,
    $grains[kind] AS grain,
    if(adds = 5, '', of_site) AS site,
    period,
    k1,
    k2,
    k3,
    sum(cell_visitors) AS visitors,
    sum(cell_visits) AS visits,
    sum(cell_views) AS views,
    sum(cell_bounces) AS bounces,
    sum(cell_seconds) AS seconds,
    if(adds = 5, 1, sum(cell_hits)) AS hits
FROM
(
    SELECT
        of_site,
        kind,
        adds,
        k1,
        k2,
        k3,
        multiIf(
            length = 'hour', hour,
            length = 'day', toStartOfDay(hour),
            toDateTime(toStartOfMonth(hour), 'UTC')
        ) AS period,
        multiIf(
            adds IN (1, 2, 6, 7, 8, 10, 11, 14), toInt64(first),
            adds = 3, exit_from_visitors,
            adds = 4, exit_to_visitors,
            adds = 12, if(of_views < 0 OR number < 0, -toInt64(first), toInt64(first)),
            0
        ) AS cell_visitors,
        multiIf(adds IN (1, 11), of_visits, adds = 3, -1, adds = 4, 1, 0) AS cell_visits,
        if(adds IN (1, 2, 12), of_views, 0) AS cell_views,
        if(adds IN (1, 12), of_bounces, 0) AS cell_bounces,
        if(adds IN (1, 12, 14), of_seconds, 0) AS cell_seconds,
        multiIf(adds = 0, of_hits, adds = 14, 0, adds >= 6, number, 0) AS cell_hits
    FROM
    (
        SELECT
            site AS of_site,
            hour,
            views AS of_views,
            visits AS of_visits,
            bounces AS of_bounces,
            seconds AS of_seconds,
            hits AS of_hits,
            exit_from_visitors,
            exit_to_visitors,
            number,
            kind,
            k1,
            k2,
            k3,
            $adds[kind] AS adds,
            $grains[kind] AS length,
            $wanted_keys[kind] AS wanted,
            bitTest(serves, $purpose_bits[kind]) AS served,
            bitTest(firsts, $first_bits[kind]) AS first,
            -- IN would make an array of each row and kind: 0.5 µs a view more, of 9.
            ($events[kind] = '' OR $events[kind] = subject)
                AND ($properties[kind] = '' OR $properties[kind] = property) AS of_event
        FROM discreet.inbox
        ARRAY JOIN $kinds AS kind, $keys_1 AS k1, $keys_2 AS k2, $keys_3 AS k3
        WHERE NOT throwIf($told[2] != '$name', 'these rows were counted under another policy')
    )
    WHERE multiIf(
        adds = 0, of_hits != 0,
        adds = 1, served,
        adds = 2, served AND of_views != 0,
        adds IN (3, 4), served AND k1 != '',
        adds = 9, 1,
        adds = 14, served AND of_event AND (first OR of_seconds != 0),
        adds >= 6, served AND of_event,
        1
    )
    -- A hit without a campaign or a referrer has no cell in statistics told apart by these.
    AND (
        wanted = 0
        OR bitTest(wanted, 0) AND k1 != ''
        OR bitTest(wanted, 1) AND k2 != ''
        OR bitTest(wanted, 2) AND k3 != ''
    )
)
GROUP BY of_site, kind, adds, period, k1, k2, k3
HAVING NOT has($told, toString((keep_days, toYYYYMM(period))))
