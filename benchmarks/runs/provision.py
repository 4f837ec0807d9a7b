"""What a new tenant costs, until its first answer."""

from __future__ import annotations

import psycopg

from benchmarks.bench import Bench
from benchmarks.peers import Peer, ours, pgschemas, raw, tenants, variant
from benchmarks.project.configuration import Configuration
from benchmarks.report import Report
from benchmarks.workers import Worker, crew

TITLE = "A new tenant, to its first answer"
METHOD = (
    "A tenant is made, and asked for a page that counts the rows of a table. The project has 69 migrations in 17 apps.",
    "The raw clone is what psycopg does: log in, CREATE DATABASE … TEMPLATE … STRATEGY WAL_LOG from the template that",
    "ours clones too, log in to the clone, count the rows. The schema libraries migrate a new schema unless told to",
    "clone one (TENANT_CREATION_FAKES_MIGRATIONS, CLONE_REFERENCE). Each peer has made one tenant before: the template",
    "and all imports are there. Rounds are interleaved; the figure is their median, and the ratio the median of the",
    "rounds' ratios. Ours keeps to its defaults, with CONN_MAX_AGE=0.",
)


def run(bench: Bench) -> Report:
    """Have each peer make tenants in turn."""
    members = [prepare(bench, peer) for peer in subjects()]
    template = template_of(bench)
    members.insert(0, (raw, bench.configuration(raw, database="raw", databases=(template,))))
    with crew(members, logs=bench.directory) as workers:
        for worker in workers:
            worker.call("creation.create")
        bench.say("each peer has made a tenant")
        case = bench.rounds("a new tenant", workers, "creation.create", baseline=raw.title, count=bench.scale.created)
    return Report("provision", TITLE, METHOD, [case])


def subjects() -> list[Peer]:
    """Who makes tenants, each in its ways."""
    libraries = [variant(peer, way, cloning=way == "clones") for peer in (tenants, pgschemas) for way in WAYS]
    return [ours, *libraries]


WAYS = ("clones", "migrates")


def prepare(bench: Bench, peer: Peer) -> tuple[Peer, Configuration]:
    """Make a peer's own database; ours builds its template with the first tenant."""
    name = "_".join(["provision", peer.key, *(["clones"] if peer.options.get("cloning") else [])])
    configuration = bench.configuration(peer, database=bench.database(name), ledgers=bench.ledgers())
    with Worker(peer, configuration, log=bench.directory / f"{peer.key}.log") as worker:
        worker.call("creation.prepare")
        if peer is ours:
            worker.call("creation.create", alias="first")
    bench.say(f"{peer.title} is ready")
    return peer, configuration


def template_of(bench: Bench) -> str:
    """The one database that allows no connections, beside PostgreSQL's own."""
    query = "SELECT datname FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'"
    with psycopg.connect(bench.url) as connection:
        [(name,)] = connection.execute(query).fetchall()
    return str(name)
