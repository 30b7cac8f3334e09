"""What is asked of a server, by what servers tell of themselves."""

from __future__ import annotations

import pytest

from adapter.redis.errors import Kind, LinkLost, Misconfigured, Refusal
from adapter.redis.primaries.startup import explain, field, judge_server


def info(version: str, mode: str = "standalone", more: str = "") -> bytes:
    """Return an answer to INFO server, as that version writes it."""
    return f"# Server\r\nredis_version:{version}\r\n{more}redis_mode:{mode}\r\nos:Linux\r\n".encode()


# Versions of which the tests have no server.
@pytest.mark.parametrize("version", ["2.8.24", "4.0.14", "5.0.14", "6.0.20", "6.1.240"])
def test_an_old_server_is_told_its_version_and_what_is_needed(version: str) -> None:
    with pytest.raises(Misconfigured, match=rf"r:1 is version {version}; at least 6\.2 is needed"):
        judge_server("r:1", info(version), is_cluster=False)


@pytest.mark.parametrize("version", ["6.2.0", "6.2.14", "7.0.15", "7.4.2", "8.0.1", "10.0.0", "255.255.255"])
def test_a_server_that_is_new_enough_is_taken(version: str) -> None:
    judge_server("r:1", info(version), is_cluster=False)


def test_valkey_is_taken_by_the_redis_that_it_is_compatible_with() -> None:
    more = "server_name:valkey\r\nvalkey_version:9.0.0\r\n"
    judge_server("r:1", info("7.2.4", more=more), is_cluster=False)


def test_a_cluster_has_to_be_newer_since_it_needs_sharded_channels() -> None:
    with pytest.raises(Misconfigured, match=r"6\.2\.14; at least 7\.0 is needed"):
        judge_server("r:1", info("6.2.14", "cluster"), is_cluster=True)
    judge_server("r:1", info("7.0.0", "cluster"), is_cluster=True)


def test_what_tells_no_version_is_no_redis_that_we_know() -> None:
    with pytest.raises(Misconfigured, match=r"is version unknown"):
        judge_server("r:1", b"# Server\r\n", is_cluster=False)


@pytest.mark.parametrize(
    ("mode", "is_cluster", "wanted"),
    [("cluster", False, r"redis\+cluster://"), ("standalone", True, "redis://"), ("sentinel", False, r"\+sentinel://")],
)
def test_another_mode_is_told_with_the_url_to_write(mode: str, is_cluster: bool, wanted: str) -> None:
    with pytest.raises(Misconfigured, match=f"write {wanted}|write redis{wanted}"):
        judge_server("r:1", info("7.2.0", mode), is_cluster=is_cluster)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ("NOAUTH Authentication required.", Kind.CREDENTIALS),
        ("WRONGPASS invalid username-password pair or user is disabled.", Kind.CREDENTIALS),
        ("ERR AUTH <password> called without any password configured for the default user.", Kind.CREDENTIALS),
        ("NOPERM User shoal has no permissions to run the 'xadd' command", Kind.PERMISSIONS),
        ("ERR The user executing the script can't run this command or subcommand", Kind.PERMISSIONS),
        ("ERR This instance has cluster support disabled", Kind.UNFIT),
        ("ERR unknown command 'EVALSHA'", Kind.UNFIT),
    ],
)
def test_what_somebody_has_to_mend_is_a_mistake(refusal: str, kind: Kind) -> None:
    found = explain("r:1", Refusal(refusal))
    assert isinstance(found, Misconfigured)
    assert (found.kind, refusal in str(found)) == (kind, True)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ("LOADING Redis is loading the dataset in memory", Kind.UNREACHABLE),
        ("ERR max number of clients reached", Kind.UNREACHABLE),
        ("ERR max number of clients + cluster connections reached", Kind.UNREACHABLE),
        ("READONLY You can't write against a read only replica.", Kind.REPLICA),
        ("OOM command not allowed when used memory > 'maxmemory'.", Kind.FULL),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to", Kind.READ_ONLY),
        ("NOREPLICAS Not enough good replicas to write.", Kind.READ_ONLY),
    ],
)
def test_what_may_pass_is_waited_for(refusal: str, kind: Kind) -> None:
    found = explain("r:1", Refusal(refusal))
    assert isinstance(found, LinkLost)
    assert found.kind is kind


def test_a_field_is_found_by_its_whole_name() -> None:
    text = b"xmaxmemory_policy:a\r\nmaxmemory_policy:noeviction\r\n"
    assert (field(text, "maxmemory_policy"), field(text, "policy")) == ("noeviction", "")
