CREATE DATABASE IF NOT EXISTS discreet;

DROP TABLE IF EXISTS discreet.inbox SYNC;

CREATE TABLE discreet.inbox (site String, door String, reason String, hits Int64, serves UInt64, hour DateTime('UTC'), views Int64, firsts UInt64, visits Int64, bounces Int64, seconds Int64, page String, previous_page String, entry_page String, source String, channel String, referrer String, campaign String, campaign_source String, campaign_medium String, campaign_content String, campaign_term String, country String, language String, screen String, device String, browser String, os String, network String, exit_from String, exit_from_visitors Int64, exit_to String, exit_to_visitors Int64, tells Int64, number Int64, subject String, property String, value String) ENGINE = Null;

CREATE TABLE IF NOT EXISTS discreet.done (partition String) ENGINE = Memory;

CREATE TABLE IF NOT EXISTS discreet.cells ( statistic LowCardinality(String), keep_days UInt16, grain Enum8('hour' = 1, 'day' = 2, 'month' = 3), site LowCardinality(String), period DateTime('UTC') COMMENT 'start of the period on the wall clock of the site', k1 String, k2 String, k3 String, visitors Int64, visits Int64, views Int64, bounces Int64, seconds Int64, hits Int64) ENGINE = SummingMergeTree((visitors, visits, views, bounces, seconds, hits)) PARTITION BY (keep_days, toYYYYMM(period)) ORDER BY (statistic, site, period, grain, k1, k2, k3) SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Each row of the inbox meets every kind of cell. Arrays hold what differs by kind;
-- cells to which a row adds nothing are left out before the rest is grouped.
-- `adds` is one of: 0 hits, 1 visits and views, 2 views, 3 exit from, 4 exit to, 5 batch,
-- 6 events, 7 properties, 8 masks, 9 machines. A row's `tells` is 0, or the one of the last four
-- that it adds to.
CREATE MATERIALIZED VIEW discreet.into_cells TO discreet.cells AS
SELECT
    ['traffic()', 'pages(page)', 'entry_pages(entry_page)', 'exit_pages(exit_page)', 'exit_pages(exit_page)', 'transitions(previous_page,page)', 'sources(source)', 'channels(channel)', 'referrers(referrer)', 'campaigns(campaign,campaign_source,campaign_medium)', 'campaign_contents(campaign_content)', 'campaign_terms(campaign_term)', 'countries(country)', 'languages(language)', 'devices(device,browser,os)', 'screens(screen)', 'networks(network)', 'pages_by_source(page,source)', 'pages_by_country(page,country)', 'pages_by_device(page,device)', 'sources_by_country(source,country)', 'sources_by_device(source,device)', 'campaigns_by_source(campaign,source)', 'campaigns_by_country(campaign,country)', 'campaigns_by_device(campaign,device)', 'events(event)', 'event_properties(event,property,value)', 'scrubbed(mask)', 'bots(bot_kind,bot)', 'coverage(door,reason)', '(batch)', '(batch)'][kind] AS statistic,
    [750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 90, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750, 90, 750][kind] AS keep_days,
    ['hour', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'month', 'month'][kind] AS grain,
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
            adds IN (1, 2, 6, 7, 8), toInt64(first),
            adds = 3, exit_from_visitors,
            adds = 4, exit_to_visitors,
            0
        ) AS cell_visitors,
        multiIf(adds = 1, of_visits, adds = 3, -1, adds = 4, 1, 0) AS cell_visits,
        if(adds IN (1, 2), of_views, 0) AS cell_views,
        if(adds = 1, of_bounces, 0) AS cell_bounces,
        if(adds = 1, of_seconds, 0) AS cell_seconds,
        multiIf(adds = 0, of_hits, adds >= 6, number, 0) AS cell_hits
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
            tells,
            number,
            kind,
            k1,
            k2,
            k3,
            [1, 2, 1, 3, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 6, 7, 8, 9, 0, 5, 5][kind] AS adds,
            ['hour', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'day', 'month', 'month'][kind] AS length,
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 7, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0][kind] AS wanted,
            bitTest(serves, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 3, 3, 3, 0, 0][kind]) AS served,
            bitTest(firsts, [0, 1, 2, 0, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 12, 0, 13, 14, 1, 15, 4, 16, 17, 18, 19, 20, 21, 0, 0, 0, 0][kind]) AS first
        FROM discreet.inbox
        ARRAY JOIN [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32] AS kind, ['', page, entry_page, exit_from, exit_to, previous_page, source, channel, referrer, campaign, campaign_content, campaign_term, country, language, device, screen, network, page, page, page, source, source, campaign, campaign, campaign, subject, subject, subject, property, door, '', ''] AS k1, ['', '', '', '', '', page, '', '', '', campaign_source, '', '', '', '', browser, '', '', source, country, device, country, device, source, country, device, '', property, '', subject, reason, '', ''] AS k2, ['', '', '', '', '', '', '', '', '', campaign_medium, '', '', '', '', os, '', '', '', '', '', '', '', '', '', '', '', value, '', '', '', '', ''] AS k3
    )
    WHERE multiIf(
        adds = 0, of_hits != 0,
        adds = 1, served AND tells = 0,
        adds = 2, served AND of_views != 0,
        adds IN (3, 4), served AND k1 != '',
        adds >= 6, adds = tells AND (served OR adds = 9),
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
HAVING toString((keep_days, toYYYYMM(period))) NOT IN (SELECT partition FROM discreet.done)
;

CREATE OR REPLACE VIEW traffic AS SELECT toString(site) AS site, period AS hour, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'traffic()' AND grain = 'hour' GROUP BY site, period HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, hour;

CREATE OR REPLACE VIEW pages AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS page, sum(cell_visitors) AS visitors, sum(cell_views) AS views FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(views) AS cell_views FROM discreet.cells WHERE statistic = 'pages(page)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_views != 0)) GROUP BY site, day, page;

CREATE OR REPLACE VIEW entry_pages AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS page, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'entry_pages(entry_page)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, page;

CREATE OR REPLACE VIEW exit_pages AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS page, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits FROM discreet.cells WHERE statistic = 'exit_pages(exit_page)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0)) GROUP BY site, day, page;

CREATE OR REPLACE VIEW transitions AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS previous_page, k2 AS page, sum(cell_visitors) AS visitors, sum(cell_views) AS views FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(views) AS cell_views FROM discreet.cells WHERE statistic = 'transitions(previous_page,page)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_views != 0)) GROUP BY site, day, previous_page, page;

CREATE OR REPLACE VIEW sources AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS source, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'sources(source)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, source;

CREATE OR REPLACE VIEW channels AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS channel, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'channels(channel)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, channel;

CREATE OR REPLACE VIEW referrers AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS referrer, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'referrers(referrer)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, referrer;

CREATE OR REPLACE VIEW campaigns AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS campaign, k2 AS campaign_source, k3 AS campaign_medium, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, k3, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'campaigns(campaign,campaign_source,campaign_medium)' AND grain = 'day' GROUP BY site, period, k1, k2, k3 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, campaign, campaign_source, campaign_medium;

CREATE OR REPLACE VIEW campaign_contents AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS campaign_content, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'campaign_contents(campaign_content)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, campaign_content;

CREATE OR REPLACE VIEW campaign_terms AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS campaign_term, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'campaign_terms(campaign_term)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, campaign_term;

CREATE OR REPLACE VIEW countries AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS country, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'countries(country)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, country;

CREATE OR REPLACE VIEW languages AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS language, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'languages(language)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, language;

CREATE OR REPLACE VIEW devices AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS device, k2 AS browser, k3 AS os, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, k3, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'devices(device,browser,os)' AND grain = 'day' GROUP BY site, period, k1, k2, k3 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, device, browser, os;

CREATE OR REPLACE VIEW screens AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS screen, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'screens(screen)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, screen;

CREATE OR REPLACE VIEW networks AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS network, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'networks(network)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, network;

CREATE OR REPLACE VIEW pages_by_source AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS page, k2 AS source, sum(cell_visitors) AS visitors, sum(cell_views) AS views FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(views) AS cell_views FROM discreet.cells WHERE statistic = 'pages_by_source(page,source)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_views != 0)) GROUP BY site, day, page, source;

CREATE OR REPLACE VIEW pages_by_country AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS page, k2 AS country, sum(cell_visitors) AS visitors, sum(cell_views) AS views FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(views) AS cell_views FROM discreet.cells WHERE statistic = 'pages_by_country(page,country)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_views != 0)) GROUP BY site, day, page, country;

CREATE OR REPLACE VIEW pages_by_device AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS page, k2 AS device, sum(cell_visitors) AS visitors, sum(cell_views) AS views FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(views) AS cell_views FROM discreet.cells WHERE statistic = 'pages_by_device(page,device)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_views != 0)) GROUP BY site, day, page, device;

CREATE OR REPLACE VIEW sources_by_country AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS source, k2 AS country, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'sources_by_country(source,country)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, source, country;

CREATE OR REPLACE VIEW sources_by_device AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS source, k2 AS device, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'sources_by_device(source,device)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, source, device;

CREATE OR REPLACE VIEW campaigns_by_source AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS campaign, k2 AS source, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'campaigns_by_source(campaign,source)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, campaign, source;

CREATE OR REPLACE VIEW campaigns_by_country AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS campaign, k2 AS country, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'campaigns_by_country(campaign,country)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, campaign, country;

CREATE OR REPLACE VIEW campaigns_by_device AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS campaign, k2 AS device, sum(cell_visitors) AS visitors, sum(cell_visits) AS visits, sum(cell_views) AS views, sum(cell_bounces) AS bounces, sum(cell_seconds) AS seconds FROM (SELECT site, period, k1, k2, sum(visitors) AS cell_visitors, sum(visits) AS cell_visits, sum(views) AS cell_views, sum(bounces) AS cell_bounces, sum(seconds) AS cell_seconds FROM discreet.cells WHERE statistic = 'campaigns_by_device(campaign,device)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_visitors != 0 OR cell_visits != 0 OR cell_views != 0 OR cell_bounces != 0 OR cell_seconds != 0)) GROUP BY site, day, campaign, device;

CREATE OR REPLACE VIEW events AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS event, sum(cell_visitors) AS visitors, sum(cell_events) AS events FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(hits) AS cell_events FROM discreet.cells WHERE statistic = 'events(event)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_events != 0)) GROUP BY site, day, event;

CREATE OR REPLACE VIEW event_properties AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS event, k2 AS property, k3 AS value, sum(cell_visitors) AS visitors, sum(cell_events) AS events FROM (SELECT site, period, k1, k2, k3, sum(visitors) AS cell_visitors, sum(hits) AS cell_events FROM discreet.cells WHERE statistic = 'event_properties(event,property,value)' AND grain = 'day' GROUP BY site, period, k1, k2, k3 HAVING (cell_visitors != 0 OR cell_events != 0)) GROUP BY site, day, event, property, value;

CREATE OR REPLACE VIEW scrubbed AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS mask, sum(cell_visitors) AS visitors, sum(cell_masked) AS masked FROM (SELECT site, period, k1, sum(visitors) AS cell_visitors, sum(hits) AS cell_masked FROM discreet.cells WHERE statistic = 'scrubbed(mask)' AND grain = 'day' GROUP BY site, period, k1 HAVING (cell_visitors != 0 OR cell_masked != 0)) GROUP BY site, day, mask;

CREATE OR REPLACE VIEW bots AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS bot_kind, k2 AS bot, sum(cell_hits) AS hits FROM (SELECT site, period, k1, k2, sum(hits) AS cell_hits FROM discreet.cells WHERE statistic = 'bots(bot_kind,bot)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_hits != 0)) GROUP BY site, day, bot_kind, bot;

CREATE OR REPLACE VIEW coverage AS SELECT toString(site) AS site, toDate(period) AS day, k1 AS door, k2 AS reason, sum(cell_hits) AS hits FROM (SELECT site, period, k1, k2, sum(hits) AS cell_hits FROM discreet.cells WHERE statistic = 'coverage(door,reason)' AND grain = 'day' GROUP BY site, period, k1, k2 HAVING (cell_hits != 0)) GROUP BY site, day, door, reason;
