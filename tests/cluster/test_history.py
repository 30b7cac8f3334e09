"""The checker of event histories notices each thing that may go wrong, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.history import Sent, check_channel

if TYPE_CHECKING:
    from collections.abc import Sequence

SENT = [
    *(Sent("api", number, is_accepted=True) for number in (1, 2, 3)),
    Sent("client", 1, is_accepted=True),
    Sent("client", 2, is_accepted=False),
]
ORDER = ["api#1", "client#1", "api#2", "client#2", "api#3"]


def kinds(*seen: Sequence[str], **more: Sequence[str]) -> list[tuple[str, str]]:
    observers = {f"observer {number}": texts for number, texts in enumerate(seen)} | more
    return [(complaint.kind, complaint.who) for complaint in check_channel(SENT, observers)]


def test_same_order_is_no_complaint() -> None:
    assert kinds(ORDER, ORDER) == []


def test_publisher_does_not_see_its_own_events() -> None:
    assert kinds(ORDER, client=["api#1", "api#2", "api#3"]) == []


def test_what_was_not_accepted_may_be_missing_everywhere() -> None:
    without = [text for text in ORDER if text != "client#2"]
    assert kinds(without, without) == []


def test_what_was_not_accepted_may_not_be_missing_only_here() -> None:
    assert kinds(ORDER, [text for text in ORDER if text != "client#2"]) == [("lost", "observer 1")]
    assert kinds([text for text in ORDER if text != "client#2"], ORDER) == [("lost", "observer 0")]


def test_loss_is_noticed_at_one() -> None:
    assert kinds(ORDER, ORDER[:-1]) == [("lost", "observer 1")]
    assert kinds(ORDER, ORDER[1:]) == [("lost", "observer 1")]


def test_loss_is_noticed_at_all() -> None:
    assert kinds(ORDER[1:], ORDER[1:]) == [("lost", "observer 0"), ("lost", "observer 1")]


def test_loss_is_noticed_at_a_publisher() -> None:
    assert kinds(ORDER, client=["api#1", "api#3"]) == [("lost", "client")]


def test_duplicate_is_noticed() -> None:
    assert kinds(ORDER, [*ORDER, "api#3"]) == [("duplicate", "observer 1")]
    assert kinds([*ORDER, "api#1"], ORDER) == [("duplicate", "observer 0")]


def test_different_order_is_noticed() -> None:
    assert kinds(ORDER, ["client#1", "api#1", *ORDER[2:]]) == [("order", "observer 1")]


def test_order_of_one_publisher_is_noticed_though_all_agree() -> None:
    swapped = ["api#2", "client#1", "api#1", "client#2", "api#3"]
    assert kinds(swapped, swapped) == [("publisher's order", "observer 0"), ("publisher's order", "observer 1")]


def test_what_nobody_sent_is_noticed() -> None:
    assert kinds([*ORDER, "api#9"], [*ORDER, "api#9"]) == [("never sent", "observer 0"), ("never sent", "observer 1")]
