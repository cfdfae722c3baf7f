"""Brings the processes of a job together for Horovod, without its launcher.

`horovodrun` starts processes over SSH, and gives each process its rank and the address of a rendezvous server. Our
launchers start the processes themselves, also in pods without SSH. So the chief runs this server, and the other
processes read its address from TensorFlow's key-value store, which all of them have joined before.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

# Horovod's own limit would end processes whose peers import TensorFlow on a busy machine.
_PATIENCE_SECONDS = 120
_KEY = "limbeck/horovod"


def variables(rank: int, size: int, server: str, interface: str | None) -> dict[str, str]:
    """Returns the variables of the environment from which Horovod reads its place.

    Each process counts as a machine of its own, so nothing depends on how many of them share one.

    Args:
      rank: number of the process, in `[0, size)`.
      size: number of processes.
      server: the address of the chief's server, `host:port`.
      interface: name of the network interface on which this process is reached; None: that of the machine's name.
    """
    host, _, port = server.rpartition(":")
    found = {
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(size),
        "HOROVOD_CROSS_RANK": str(rank),
        "HOROVOD_CROSS_SIZE": str(size),
        "HOROVOD_LOCAL_RANK": "0",
        "HOROVOD_LOCAL_SIZE": "1",
        "HOROVOD_HOSTNAME": f"rank-{rank}",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": host,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": port,
        "HOROVOD_GLOO_TIMEOUT_SECONDS": str(_PATIENCE_SECONDS),
        # Which tensors travel together would depend on when they come, and with it the order of additions.
        "HOROVOD_FUSION_THRESHOLD": "0",
    }
    return found | ({} if interface is None else {"HOROVOD_GLOO_IFACE": interface})


def server_for(host: str, is_chief: bool) -> str:
    """Returns the address of the chief's server, `host:port`. The chief starts it; the others wait for it.

    Args:
      host: the chief's name or address in the cluster.
      is_chief: whether this process is the chief.

    Raises:
      tensorflow.errors.DeadlineExceededError: if the chief has not started it in time.
    """
    from tensorflow.python.eager import context

    store = context.context()
    if not is_chief:
        return str(store.get_config_key_value(_KEY, 1000 * _PATIENCE_SECONDS))
    from horovod.runner.http.http_server import RendezvousServer

    server = f"{host}:{RendezvousServer().start()}"
    store.set_config_key_value(_KEY, server)
    return server


def interface_to(peer: str) -> str | None:
    """Returns the name of the network interface from which this process reaches a peer, `host:port`.

    Returns None if no interface, or more than one, has the address.
    """
    import psutil

    host, _, port = peer.rpartition(":")
    family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        # Sends nothing: it chooses the way alone.
        probe.connect(address)
        mine = str(probe.getsockname()[0])
    held = {name: [one.address for one in addresses] for name, addresses in psutil.net_if_addrs().items()}
    return interface_with(mine, held)


def interface_with(address: str, held: Mapping[str, Sequence[str]]) -> str | None:
    """Returns the interface that alone has an address; None if there is no such. `held` are addresses by interface."""
    found = [name for name, addresses in held.items() if address in addresses]
    return found[0] if len(found) == 1 else None
