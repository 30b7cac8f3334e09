"""What stands before the nodes: the system's HAProxy, or where there is none a small balancer of these tests.

Both pass on TCP connections as Kubernetes' Services do, and learn late that a node leaves, because the harness tells
them late. Neither checks nodes, tries again, or repairs anything: what a node refuses, its client sees.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.roll.balancer.haproxy import HAProxy
from tests.roll.balancer.own import OwnBalancer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.roll.balancer.contract import Balancer

__all__ = ["HAProxy", "OwnBalancer", "choose_balancer"]


def choose_balancer(backends: Mapping[str, int]) -> Balancer:
    """Return the best balancer that this machine has, for backends given by name and port."""
    program = shutil.which("haproxy")
    return OwnBalancer(backends) if program is None else HAProxy(backends, program)
