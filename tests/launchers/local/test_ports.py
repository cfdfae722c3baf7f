import errno
import socket
import struct

import pytest

from limbeck.launchers.local.launcher import ports

# From <linux/in.h>, Linux 6.3: the range from which the kernel chooses a port for this socket.
IP_LOCAL_PORT_RANGE = 51


def test_ports_differ():
    with ports.held(20) as numbers:
        assert len(set(numbers)) == 20


def test_a_server_that_reuses_addresses_can_listen_on_a_held_port_and_is_reached():
    with ports.held(1) as (number,), socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("", number))
        server.listen()
        with socket.create_connection(("127.0.0.1", number), timeout=5) as client:
            connection, address = server.accept()
            connection.close()
            assert address == client.getsockname()


def test_a_held_port_is_refused_to_an_ordinary_bind():
    with ports.held(1) as (number,), socket.socket() as other, pytest.raises(OSError) as caught:
        other.bind(("127.0.0.1", number))
    assert caught.value.errno == errno.EADDRINUSE


def test_the_kernel_gives_a_held_port_to_nobody_who_asks_for_some_port():
    with ports.held(1) as (number,), socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            only = struct.pack("=I", number << 16 | number)
            other.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, only)
        except OSError:
            pytest.skip("this kernel has no IP_LOCAL_PORT_RANGE")
        with pytest.raises(OSError) as caught:
            other.bind(("", 0))
    assert caught.value.errno == errno.EADDRINUSE


def test_ports_are_free_afterwards():
    with ports.held(1) as (number,):
        pass
    with socket.socket() as other:
        other.bind(("127.0.0.1", number))
