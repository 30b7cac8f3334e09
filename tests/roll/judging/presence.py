"""Whether presence stays quiet for those who come back, and tells the truth about those who don't."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.roll.crowd import users_of
from tests.roll.judging.verdict import Verdict, seconds
from tests.roll.log import Announced, Killed, Listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.roll.judging.story import Story, Visit

Place = tuple[str, str]
"""A presence channel, and a user."""


def quiet_presence(story: Story) -> Verdict:
    """Judge what was announced about users who are there in the end, as they were in the beginning."""
    there = _there(story)
    told = [record for record in _announcements(story) if (record.channel, record.user) in there]
    figure = "member_added/removed told about users that came back"
    users = f" about {len({record.user for record in told})}" if told else ""
    return Verdict(figure, "0", f"{len(told)}{users} ({_watchers(story)} watchers)", not told and _watchers(story) > 0)


def rosters(story: Story) -> Verdict:
    """Judge who is a member in the end: as every node answers, and as every client in a channel knows it."""
    there, missing, ghosts = users_of(story.crowd, _connected(story)), 0, 0
    copies = [*((record.channel, set(record.users)) for record in story.of(Listed)), *_clients_copies(story)]
    for channel, users in copies:
        here = there.get(channel, set())
        missing, ghosts = missing + len(here - users), ghosts + len(users - here)
    figure = "missing members / ghosts, when all is over"
    return Verdict(
        figure, "0 / 0", f"{missing} / {ghosts} in {len(copies)} rosters", bool(copies) and not missing | ghosts
    )


def removed_once(story: Story) -> Verdict:
    """Judge what watchers were told of users that stay away: the removal, once, by all that were there to hear it."""
    gone, wrong, due = _gone(story), 0, 0
    for watcher, told in _told_by_watcher(story).items():
        for channel, user in gone:
            if channel in story.crowd[watcher].channels:
                about = [record.is_added for record in told if (record.channel, record.user) == (channel, user)]
                due += 1
                wrong += about != [False] and not (about == [] and _was_away(story, watcher))
    figure = "members that stay away, not removed exactly once"
    return Verdict(figure, "0", f"{wrong} of {due} ({len(gone)} members)", wrong == 0 and due > 0)


def removed_in_time(story: Story) -> Verdict:
    """Judge how long after a node was killed the last of its members were removed."""
    (killed,) = story.of(Killed)
    gone, limit = _gone(story), story.terms.crash_notice + story.terms.patience
    delays = [
        record.at - killed.at
        for record in _announcements(story)
        if not record.is_added and (record.channel, record.user) in gone
    ]
    latest = max(delays, default=None)
    is_ok = latest is not None and latest <= limit
    return Verdict("time until a dead node's members are removed", f"<= {limit:g} s", seconds(latest), is_ok)


def _announcements(story: Story) -> Iterable[Announced]:
    return [record for record in story.of(Announced) if story.counts(record.at)]


def _connected(story: Story) -> list[str]:
    """Return the clients that are connected in the end."""
    return [name for name, visits in story.visits.items() if visits[-1].is_open()]


def _there(story: Story) -> set[Place]:
    return _places(story, _connected(story))


def _gone(story: Story) -> set[Place]:
    """Return who was there in the beginning, and isn't in the end."""
    return _places(story, story.visits) - _there(story)


def _places(story: Story, clients: Iterable[str]) -> set[Place]:
    return {(channel, user) for channel, users in users_of(story.crowd, clients).items() for user in users}


def _watchers(story: Story) -> int:
    """Return how many clients would have been told."""
    return sum(1 for guest in story.crowd.values() if guest.user is not None and story.visits.get(guest.name))


def _told_by_watcher(story: Story) -> dict[str, list[Announced]]:
    """Return what each client that is a member in the end was told, in order."""
    told: dict[str, list[Announced]] = {name: [] for name in _connected(story) if story.crowd[name].user is not None}
    for record in _announcements(story):
        if record.client in told:
            told[record.client].append(record)
    return told


def _was_away(story: Story, client: str) -> bool:
    """Tell whether a client may have missed an announcement, as its roster may have come later."""
    return story.visits[client][-1].attempted_at >= story.began_at


def _clients_copies(story: Story) -> Iterable[tuple[str, set[str]]]:
    """Yield who is in a channel, as each connected client knows: the roster it got, and what it was told since."""
    for name in _connected(story):
        visit = story.visits[name][-1]
        for channel, confirmation in visit.subscribed.items():
            if confirmation.members is not None:
                yield channel, _kept_up(set(confirmation.members), visit, channel)


def _kept_up(users: set[str], visit: Visit, channel: str) -> set[str]:
    for record in visit.announced:
        if record.channel == channel:
            users = users | {record.user} if record.is_added else users - {record.user}
    return users
