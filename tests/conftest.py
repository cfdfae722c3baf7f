"""What holds for all tests: TensorFlow's variables, the profiles of Hypothesis, and which file is begun first."""

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.object_store import Server

# It would look through all that the collection imports, again and again.
gc.disable()

# TensorFlow reads these when it is first imported, so they are set before any test module is.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

# A shell that starts a program in the background lets it ignore SIGINT, and tests of an interrupt would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Neither may fail because the machine is slow.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run: `make test` must not fail by chance.
settings.register_profile("same", _PATIENT, derandomize=True)
# New examples in every run, and many: `make soak` looks for those that nobody has thought of.
settings.register_profile("soak", _PATIENT, max_examples=2000, print_blob=True)
settings.load_profile("same")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    """Gives all fixtures the same environment."""
    _forget_the_name_of_the_test()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call() -> None:
    """Gives all tests the same environment."""
    _forget_the_name_of_the_test()


def _forget_the_name_of_the_test() -> None:
    """A server that forks training processes serves one environment. pytest writes the name of each test into it.

    So each test started another server, which imports TensorFlow for five seconds of a core.
    """
    os.environ["PYTEST_CURRENT_TEST"] = "a test"


def pytest_collection_finish() -> None:
    """Lets the garbage collector pass over the modules of all tests and over TensorFlow: see `limbeck.importing`."""
    gc.freeze()
    gc.enable()


# Of all marks the most expensive first.
EXPENSIVE = ("pipeline", "processes")
ONE_RUN = "tests/integration/one_run/"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the files first that take longest, so that no worker begins one when the others are done."""
    ranks: dict[Path, int] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        rank = next((place for place, name in enumerate(EXPENSIVE) if name in marks), len(EXPENSIVE))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])
    _assert_shown(config, items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives the files that begin with the same run to one process, and each other file to any."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return ONE_RUN if nodeid.startswith(ONE_RUN) else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def _assert_shown(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses a table of strategies that names a test which is not there."""
    from tests import strategy_table

    if not any("::" in one for one in config.args):
        names = [item.nodeid for item in items]
        strategy_table.assert_there(names, {name.partition("::")[0] for name in names})


@contextlib.contextmanager
def _sigterm_kept() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@pytest.fixture(autouse=True)
def _sigterm_as_before() -> Iterator[None]:
    """A training within the process of the tests takes SIGTERM; the next test must find it as it was."""
    with _sigterm_kept():
        yield


@pytest.fixture(scope="module", autouse=True)
def _sigterm_as_before_the_file() -> Iterator[None]:
    """Likewise for the next file: a fixture that trains for all tests of its file does so before the one above."""
    with _sigterm_kept():
        yield


@pytest.fixture(scope="module", autouse=True)
def _modules_of_one_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forgets what a file of tests has imported from the folders that it wrote.

    A process holds only one module of a name, and chance decides which files share a process. Two files that wrote a
    task of one name passed for weeks, and then the second one was refused: its module was already another one.
    """
    yield
    written = tmp_path_factory.getbasetemp()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).is_relative_to(written):
            del sys.modules[name]
    sys.path[:] = [place for place in sys.path if not Path(place).is_relative_to(written)]
    worker = sys.modules.get("limbeck.components.mapping.worker")
    if worker is not None:
        # It remembers which code of a task it has imported, and would refuse the next task of that name.
        worker._first_seen.clear()
        worker.what_is_wrong.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def _variables_of_one_file() -> Iterator[None]:
    """Puts the variables of this process back.

    Programs of the product set variables for good, and some tests run such a program within their own process. A
    worker of Dask hid the GPUs of the next file, which then looked for GPUs that it had shown itself.
    """
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def _no_fork_server() -> Iterator[None]:
    """Ends what forks training processes for all tests of this process. It takes five seconds of a core to start."""
    yield
    forks = sys.modules.get("limbeck.launchers.local.forks")
    if forks is not None:
        forks.stop()


@pytest.fixture(scope="session")
def object_store() -> Iterator["Server"]:
    """An S3 server on a loopback port."""
    from tests.object_store import Server

    server = Server()
    yield server
    server.stop()


@pytest.fixture
def bucket(object_store: "Server", monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket of the S3 server, which this process finds as `s3://` and as `minio://`."""
    from tests.object_store import use

    return use(object_store, monkeypatch)
