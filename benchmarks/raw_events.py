"""A table of raw events beside the counters, filled by the same rows: benchmarks/store.py's peer.

One row a hit, with the id of a visitor and of a visit; columns, codecs and order are those of
Plausible's `events_v2` as far as the rows have them. Rows hold no id, so what a visitor's rows have
in common stands for one.
"""

from datetime import date

from clickhouse_connect.driver.client import Client

_TABLES = (
    "CREATE DATABASE IF NOT EXISTS raw",
    "CREATE TABLE IF NOT EXISTS raw.inbox AS discreet.inbox ENGINE = Null",
    """CREATE TABLE IF NOT EXISTS raw.events (
        timestamp DateTime('UTC') CODEC(Delta(4), LZ4), name LowCardinality(String),
        site_id UInt64, user_id UInt64, session_id UInt64, hostname String CODEC(ZSTD(3)),
        pathname String CODEC(ZSTD(3)), referrer String CODEC(ZSTD(3)),
        referrer_source String CODEC(ZSTD(3)), country_code LowCardinality(FixedString(2)),
        screen_size LowCardinality(String), operating_system LowCardinality(String),
        browser LowCardinality(String), utm_medium String CODEC(ZSTD(3)),
        utm_source String CODEC(ZSTD(3)), utm_campaign String CODEC(ZSTD(3))
    ) ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp)
    ORDER BY (site_id, toDate(timestamp), user_id, timestamp)""",
    """CREATE MATERIALIZED VIEW IF NOT EXISTS raw.into_events TO raw.events AS SELECT
        hour + rand() % 3600 AS timestamp, 'pageview' AS name,
        toUInt64(extract(site, '[0-9]+')) AS site_id,
        cityHash64(site, toDate(hour), network, browser, os, country) AS user_id,
        cityHash64(user_id, hour, entry_page, source) AS session_id, site AS hostname,
        page AS pathname, if(referrer = '', '', concat('https://', referrer, '/')) AS referrer,
        if(source = '(direct)', '', source) AS referrer_source, country AS country_code,
        screen AS screen_size, os AS operating_system, browser, campaign_medium AS utm_medium,
        campaign_source AS utm_source, campaign AS utm_campaign
    FROM raw.inbox WHERE views > 0""",
)
_WHERE = (
    "FROM raw.events WHERE site_id = 0"
    " AND timestamp >= {start:DateTime('UTC')} AND timestamp < {end:DateTime('UTC')}"
)
_TOTALS = {
    "traffic_total": f"SELECT uniq(user_id), uniq(session_id), count() {_WHERE}",
    "traffic_by_day": (
        f"SELECT toDate(timestamp) AS day, uniq(user_id), count() {_WHERE} GROUP BY day"
    ),
}
_LISTS = {
    "pages": "pathname",
    "sources": "referrer_source",
    "countries": "country_code",
    "devices": "screen_size",
}


def make_raw(client: Client) -> None:
    """Make the table and its inbox where missing."""
    for statement in _TABLES:
        client.command(statement)


def insert_raw(client: Client, rows: bytes) -> None:
    """Add the hits of some rows of the store's inbox."""
    client.raw_insert("raw.inbox", insert_block=rows, fmt="MsgPack")


def forget_from(client: Client, day: date) -> None:
    """Remove what an insert that was broken off may have left of `day` and later ones."""
    client.command(
        "ALTER TABLE raw.events DELETE WHERE toDate(timestamp) >= {day:Date}",
        parameters={"day": day.isoformat()},
        settings={"mutations_sync": 2},
    )


def merge_raw(client: Client) -> None:
    """Leave one part a month."""
    client.command(
        "OPTIMIZE TABLE raw.events FINAL", settings={"optimize_skip_merged_partitions": 1}
    )


def raw_query(name: str) -> str:
    """Return the question of the dashboard's query `name`, asked of raw events; empty for none."""
    if name in _LISTS:
        column = _LISTS[name]
        return (
            f"SELECT {column}, uniq(user_id) AS visitors, count() {_WHERE}"
            f" GROUP BY {column} ORDER BY visitors DESC LIMIT 10"
        )
    return _TOTALS.get(name, "")
