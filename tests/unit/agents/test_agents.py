"""What each agent says of itself, against what the schemas and the catalogue say."""

import re

import agents
from schemas.catalogue.counts import COUNTS
from schemas.events import COMMON_MEMBERS, EVENT_TYPES
from schemas.topics import DEFAULT_TOPIC_NAMES, INPUT_TOPICS


def test_every_input_topic_has_one_agent_that_names_its_types() -> None:
    """A topic without an agent is created, documented, written to, and read by nobody."""
    said = {agent.SETTING: tuple(agent.TYPES) for agent in agents.AGENTS}
    assert said == {topic.setting: topic.types for topic in INPUT_TOPICS}
    assert len(agents.AGENTS) == len(INPUT_TOPICS)


def test_every_agent_names_its_topic_in_its_first_line() -> None:
    """Whoever looks for what reads a topic searches for the topic's name."""
    first_lines = {agent.SETTING: (agent.__doc__ or "").splitlines()[0] for agent in agents.AGENTS}
    assert [key for key, line in first_lines.items() if f"`{DEFAULT_TOPIC_NAMES[key]}`" not in line] == []


def test_counts_that_agents_name_exist() -> None:
    """What becomes of a type is said by the names of counts; a count that is renamed is said nowhere."""
    members = {name for event_type in EVENT_TYPES for name in (*COMMON_MEMBERS, *event_type.OWN_MEMBERS)}
    known = {count.name for count in COUNTS} | set(agents.events.TYPES) | members | {"dimensions"}
    named = {name for meaning in agents.events.TYPES.values() for name in re.findall(r"`([a-z_]+)`", meaning)}
    assert len(named) > 10
    assert named <= known
