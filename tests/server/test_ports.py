"""Ports that are shared by those who shall, and by nobody else. The kernel is the real one."""

import socket

import pytest

from limbeck.server import ports
from tests.server.ports import free_port


def bind(port: int, *options: int) -> None:
    """As another program does."""
    with socket.socket() as other:
        for option in options:
            other.setsockopt(socket.SOL_SOCKET, option, 1)
        other.bind(("", port))
        other.listen()


def test_a_reserved_port_is_for_those_that_share_it_only():
    port = free_port()
    with ports.reserve(port), ports.shared(port) as one, ports.shared(port) as other:
        one.listen()
        other.listen()
        for options in ((), (socket.SO_REUSEADDR,)):
            with pytest.raises(OSError, match="in use"):
                bind(port, *options)
        with pytest.raises(OSError, match="in use"):
            ports.reserve(port)
    ports.reserve(port).close()


def test_two_cannot_reserve_a_port_before_anybody_listens():
    port = free_port()
    with ports.reserve(port):
        with pytest.raises(OSError, match="in use"):
            ports.reserve(port)
        with pytest.raises(OSError, match="in use"):
            bind(port, socket.SO_REUSEADDR)
        # Nobody is led into a queue that no process reads.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("localhost", port), timeout=60)


def test_a_port_of_another_program_is_neither_reserved_nor_shared():
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        for take in (ports.reserve, ports.shared):
            with pytest.raises(OSError, match="in use"):
                take(port)


def test_a_port_whose_last_connections_just_ended_can_be_reserved():
    port = free_port()
    with ports.shared(port) as last:
        last.listen()
        with socket.create_connection(("localhost", port), timeout=60) as client:
            answering, _ = last.accept()
            # Who ends a connection first keeps its port for a minute.
            answering.close()
            assert client.recv(1) == b""
    ports.reserve(port).close()
