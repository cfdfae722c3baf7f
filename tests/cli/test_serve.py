"""What `serve` refuses before it starts, and the command that it becomes."""

import argparse
import errno
import os
import socket
import sys
from pathlib import Path

import pytest

from limbeck.cli.commands import serve
from limbeck.cli.verbs.serve import declare
from limbeck.errors import ConfigError, UserError
from tests.cli import program
from tests.components.pusher import models
from tests.server.ports import free_port


def interpreter(path: Path, script: str) -> Path:
    """A stand-in for the Python of an environment."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    models.write(tmp_path / "serving" / "1", 10)
    (tmp_path / "serving" / "1" / "saved_model.pb").touch()
    interpreter(tmp_path / "python", f"echo {serve._READY}")
    return tmp_path


def asked(root: Path, *options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    declare(parser)
    free = ["--port", str(free_port()), "--grpc-port", "0"]
    return parser.parse_args(["--root", str(root), "--python", str(root / "python"), *free, *options])


def test_the_command_names_the_folder_and_every_setting(root: Path):
    python, bootstrap, package, module, serving, *options = serve.command(asked(root, "--batch-size", "8"))
    assert (python, serving) == (str(root / "python"), str(root / "serving"))
    assert Path(bootstrap).name == "bootstrap.py"
    assert Path(package).parent.joinpath(*module.split(".")).with_suffix(".py").is_file()
    assert options[options.index("--batch-size") + 1] == "8"


def test_several_workers_are_one_command_below_a_parent(root: Path):
    free = asked(root, "--workers", "2")
    python, bootstrap, package, module, count, *worker = serve.command(free)
    assert (module, count) == ("limbeck.server.workers", "2")
    free.workers = 1
    assert [python, *worker] == serve.command(free)
    assert worker[:2] == [bootstrap, package]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--workers", "0"], "--workers must be at least 1; received 0"),
        (["--versions", "0"], "--versions must be at least 1; received 0"),
        (["--batch-size", "-3"], "--batch-size must be at least 1; received -3"),
        (["--batch-wait-ms", "-1"], "--batch-wait-ms must be at least 0; received -1"),
        (["--batch-wait-ms", "nan"], "--batch-wait-ms must be at least 0; received nan"),
        (["--port", "70000"], "--port must be from 1 to 65535; received 70000"),
    ],
)
def test_a_number_that_cannot_be_is_refused(root: Path, options: list[str], told: str):
    with pytest.raises(ConfigError, match=told):
        serve.command(asked(root, *options))


def test_one_process_needs_nothing_that_linux_alone_allows(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Elsewhere a socket that listens cannot be shut down, and no port could be used."""

    def shutdown(*_: object) -> None:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(socket.socket, "shutdown", shutdown)
    assert serve.command(asked(root))
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        with pytest.raises(ConfigError, match=r"--port=\d+ cannot be used \(Address already in use\)"):
            serve.command(asked(root, "--port", str(other.getsockname()[1])))


def test_two_protocols_need_two_ports(root: Path):
    port = str(free_port())
    with pytest.raises(ConfigError, match=f"must differ; received {port} for both"):
        serve.command(asked(root, "--port", port, "--grpc-port", port))


def test_nothing_to_serve_and_nowhere_to_serve_are_told(root: Path):
    (root / "python").unlink()
    with pytest.raises(UserError, match="make install-server"):
        serve.command(asked(root))
    (root / "serving" / "1" / "saved_model.pb").unlink()
    with pytest.raises(UserError, match="there is no student in"):
        serve.command(asked(root))


def test_a_record_that_cannot_be_written_is_refused_before_the_server_starts(root: Path):
    """The server answered for hours, and lost every row that it should keep."""
    (root / "file").touch()
    # Not even the superuser makes a folder there.
    for folder in (root / "file", root / "file" / "below", Path("/proc/recorded")):
        with pytest.raises(ConfigError, match=f"--record must be a folder, or a new one in a .*{folder}"):
            serve.command(asked(root, "--record", str(folder)))
    new = root / "deep" / "recorded"
    assert str(new) in serve.command(asked(root, "--record", str(new)))
    assert list(new.iterdir()) == []


def test_a_python_that_cannot_serve_is_told(root: Path):
    (root / "no program").touch()
    # The interpreter of these tests has no KServe; the last one fails as a broken environment does.
    useless = Path(sys.executable), Path("/bin/true"), root / "no program", interpreter(root / "broken", "exit 1")
    for python in useless:
        ended = program.run("serve", "--root", root, "--python", python)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(
            f"error: the server needs a Python with KServe and TensorFlow, which {python}"
        )
        assert "`make install-server`" in ended.stderr


def test_a_mistake_ends_with_code_2_and_a_sentence(tmp_path: Path):
    ended = program.run("serve", "--root", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: there is no student in")
    (tmp_path / "file").touch()
    ended = program.run("serve", "--root", tmp_path / "file")
    assert (ended.returncode, ended.stderr.splitlines()[0].partition(" in ")[0]) == (
        2,
        "error: there is no student",
    )
    ended = program.run("rollback", "--root", tmp_path)
    assert ended.returncode == 2
    assert "there must be an earlier version to go back to" in ended.stderr
