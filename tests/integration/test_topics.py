"""`tenure topics` on a real Kafka: what it lists, what it creates, and what it leaves alone."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]  # it is there

from services.installation import Installation
from streams.errors import ConfigurationError
from streams.kafka.topics import check_topics, partition_counts
from streams.settings.settings import Settings


def names_of(installation: Installation) -> list[str]:
    """Return the names of all eleven topics, the input topics first."""
    own = [installation.dead_letter_topic, f"{installation.prefix}survey-requests", installation.forgotten_topic]
    return [*installation.topics.values(), *own]


def all_with(installation: Installation, partitions: int, state: str) -> dict[str, tuple[int, int, str]]:
    """Return what is listed where all topics have a state and one replica; that of tombstones has one partition."""
    found = dict.fromkeys(names_of(installation), (partitions, 1, state))
    return found | {installation.forgotten_topic: (1, 1, state)}


def listed(text: str) -> dict[str, tuple[int | None, int | None, str]]:
    """Return partitions, replication and state by topic, from what `--json` printed."""
    topics: list[dict[str, Any]] = json.loads(text)
    return {topic["topic"]: (topic["partitions"], topic["replication"], topic["state"]) for topic in topics}


def test_topics_are_created_once_with_one_number_of_partitions_and_a_worker_takes_them(
    installation: Installation,
) -> None:
    """The first command of whoever connects Tenure; it may stand in a script that runs again."""
    names = names_of(installation)
    before = installation.run("topics")
    assert before.returncode == 1
    assert [line.split() for line in before.stdout.splitlines()[1:14]] == [
        [name, "–", "–", "–", "missing"] for name in names
    ]
    said = f"tenure: Kafka does not have {', '.join(names[:11])}; run `tenure topics --create`\n"
    assert before.stderr == said
    created = installation.run("topics", "--create", "--json")
    assert (created.returncode, created.stderr) == (0, "")
    assert listed(created.stdout) == all_with(installation, 4, "created")
    for arguments in (["--create"], ["--create", "--partitions", "4"], []):
        again = installation.run("topics", *arguments, "--json")
        assert (again.returncode, again.stderr) == (0, "")
        assert listed(again.stdout) == all_with(installation, 4, "exists")
    assert set(names) <= set(installation.kafka.admin.list_topics(timeout=10).topics)


def test_topic_that_the_settings_do_not_need_may_be_missing(installation: Installation) -> None:
    """A script that looks whether all is ready would wait for a topic that nobody reads or writes."""
    *needed, surveys, tombstones = names_of(installation)
    installation.kafka.create_topics(needed, partitions=2)
    found = installation.run("topics")
    assert (found.returncode, found.stderr) == (0, "")
    assert f"{tombstones} is missing, and not needed: forget_key is not set." in found.stdout
    assert f"{surveys} is missing, and not needed: survey_requests is off." in found.stdout
    switched_on = installation.run("topics", TENURE_SURVEY_REQUESTS="on", TENURE_FORGET_KEY="0f" * 32)
    said = f"tenure: Kafka does not have {surveys}, {tombstones}; run `tenure topics --create`\n"
    assert (switched_on.returncode, switched_on.stderr) == (1, said)
    assert "not needed" not in switched_on.stdout


def test_missing_topics_get_the_partitions_that_the_others_have(installation: Installation) -> None:
    """A stream whose input topics differ does not start."""
    there = [installation.topics["signup"], installation.topics["events"]]
    installation.kafka.create_topics(there, partitions=3)
    refused = installation.run("topics", "--create", "--partitions", "6")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "tenure: --partitions 6: the input topics that exist have 3; leave it out, or add --grow\n"
    created = installation.run("topics", "--create", "--json")
    assert created.returncode == 0, created.stderr
    found = all_with(installation, 3, "created")
    assert listed(created.stdout) == found | dict.fromkeys(there, (3, 1, "exists"))


def test_input_topics_that_differ_are_named_and_grow_when_that_is_asked_for(installation: Installation) -> None:
    """Deleting the narrow one would delete its events; raising it loses nothing."""
    signup, events = installation.topics["signup"], installation.topics["events"]
    installation.kafka.create_topics([signup], partitions=3)
    installation.kafka.create_topics([events], partitions=2)
    for arguments in ([], ["--create"]):
        result = installation.run("topics", *arguments, "--json")
        assert result.returncode == 1
        assert f"{signup} has 3" in result.stderr
        assert f"{events} has 2" in result.stderr
        assert "run `tenure topics --grow`, which raises the others to 3 and deletes nothing" in result.stderr
        assert result.stderr.count("\n") == 1
        assert [state for _, _, state in listed(result.stdout).values()].count("missing") == 11
    refused = installation.run("topics", "--grow", "--partitions", "2")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "--partitions 2: an input topic has 3 already, and Kafka takes none away" in refused.stderr
    grown = installation.run("topics", "--grow", "--create", "--json")
    assert (grown.returncode, grown.stderr) == (0, "")
    states = {signup: "exists", events: "grown"}
    expected = all_with(installation, 3, "created")
    assert listed(grown.stdout) == expected | {name: (3, 1, state) for name, state in states.items()}
    wider = installation.run("topics", "--grow", "--partitions", "5", "--json")
    assert wider.returncode == 0, wider.stderr
    assert {listed(wider.stdout)[name][:2] for name in installation.topics.values()} == {(5, 1)}


def retained(text: str) -> dict[str, dict[str, Any]]:
    """Return how long each topic is kept, from what `--json` printed."""
    return {topic["topic"]: topic["retention"] for topic in json.loads(text)}


def config_of(installation: Installation, topic: str) -> dict[str, str]:
    """Return what a topic is configured with, as another client reads it."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    found = installation.kafka.admin.describe_configs([resource])[resource].result(30)
    return {name: entry.value for name, entry in found.items()}


def test_events_are_kept_for_good_in_topics_that_are_created_and_others_are_told_of(
    installation: Installation,
) -> None:
    """What Kafka has deleted after a week can never be counted anew, and nobody chose that."""
    signup, cancel = installation.topics["signup"], installation.topics["cancel"]
    week = {"retention.ms": "604800000", "segment.bytes": "1048576"}
    installation.kafka.create_topics([signup], partitions=2, config=week)
    installation.kafka.create_topics([cancel], partitions=2, config={"cleanup.policy": "compact"})
    created = installation.run("topics", "--create", "--json")
    assert created.returncode == 0, created.stderr
    for_good = {"ms": -1, "bytes": -1, "compacted": False}
    found = retained(created.stdout)
    assert found[signup] == {"ms": 604_800_000, "bytes": -1, "compacted": False}
    assert found[cancel] == {"ms": -1, "bytes": -1, "compacted": True}
    assert all(found[name] == for_good for key, name in installation.topics.items() if key not in {"signup", "cancel"})
    told = installation.run("topics")
    assert told.returncode == 0
    assert f"Kafka does not keep all events of {signup}, {cancel}" in told.stdout
    assert "7 days" in told.stdout
    kept = installation.run("topics", "--keep", "--json")
    assert kept.returncode == 0, kept.stderr
    assert {retained(kept.stdout)[name] == for_good for name in (signup, cancel)} == {True}
    assert config_of(installation, signup)["segment.bytes"] == "1048576"  # what else was set stays
    assert config_of(installation, installation.topics["events"])["min.insync.replicas"] == "1"
    assert "does not keep" not in installation.run("topics").stdout


def test_tombstones_are_kept_for_good_or_the_command_says_what_to_change(installation: Installation) -> None:
    """Kafka would delete them after a week, and whoever was forgotten would be back at the next recount."""
    week = {"retention.ms": "604800000"}
    installation.kafka.create_topics([installation.forgotten_topic], partitions=1, config=week)
    refused = installation.run("topics", "--create")
    assert refused.returncode == 1
    assert "set its cleanup.policy to compact" in refused.stderr
    forget = installation.run("forget", "c1", TENURE_FORGET_KEY="0123456789abcdef0123456789abcdef")
    assert (forget.returncode, forget.stderr) == (1, refused.stderr)


def test_replicas_that_kafka_cannot_give_are_refused_in_one_line(installation: Installation) -> None:
    """The broker's own words name the number, and the line names the option."""
    result = installation.run("topics", "--create", "--replication", "2")
    assert (result.returncode, result.stdout) == (2, "")
    assert "change --partitions or --replication" in result.stderr
    assert result.stderr.count("\n") == 1


async def missing_line(settings: Settings) -> str:
    """Return what a worker says of the topics that are missing."""
    counts = await partition_counts(settings.input_topics, settings, {"bootstrap_servers": settings.kafka_bootstrap})
    try:
        check_topics(counts, input_topics=settings.input_topics)
    except ConfigurationError as error:
        return str(error)
    return ""


async def test_worker_names_the_missing_topics_and_the_command_that_creates_them(installation: Installation) -> None:
    """The line is all that an operator sees of a worker that does not start."""
    settings = Settings(kafka_bootstrap=installation.kafka.bootstrap, topics=installation.topics)
    assert "create them with `tenure topics --create`" in await missing_line(settings)
    assert installation.run("topics", "--create").returncode == 0
    assert await missing_line(settings) == ""
