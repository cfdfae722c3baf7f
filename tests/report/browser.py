"""Drives a headless Chromium by the DevTools protocol, over the pipe that it offers on file descriptors 3 and 4.

A driver program or a client library would be two more things to install and to keep in step with the browser.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
DEADLINE_SECONDS = 60.0
_DOMAINS = ("Page", "Runtime", "Log", "Network")
_COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


def find() -> str | None:
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclasses.dataclass(frozen=True)
class Visit:
    """A page that was opened.

    Attributes:
      tab: where it is open.
      requests: addresses that were asked for, that of the page first.
      complaints: what the console and the log of the browser said, errors of the page included.
    """

    tab: Tab
    requests: Sequence[str]
    complaints: Sequence[str]


class Browser:
    """A running Chromium; see `running`."""

    def __init__(self, commands: int, messages: int) -> None:
        self._commands = commands
        self._messages = messages
        self._unread = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result; events that come before it are kept.

        Raises:
          RuntimeError: where the browser refuses the command.
          TimeoutError: where it does not answer.
        """
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        text = json.dumps(command).encode() + b"\0"
        while text:
            text = text[os.write(self._commands, text) :]
        while (message := self._read()).get("id") != self._count:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"the browser refused {method}: {message['error']}")
        return dict(message["result"])

    def wait(self, method: str, session: str) -> None:
        """Waits until an event has come in, if it has not."""
        while not any(one.get("method") == method and one.get("sessionId") == session for one in self.events):
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while b"\0" not in self._unread:
            if not connection.wait([self._messages], max(deadline - time.monotonic(), 0)):
                raise TimeoutError(f"the browser said nothing for {DEADLINE_SECONDS:.0f} s")
            received = os.read(self._messages, 1 << 20)
            if not received:
                raise RuntimeError("the browser ended")
            self._unread += received
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))


@dataclasses.dataclass(frozen=True)
class Tab:
    """A tab of the browser."""

    browser: Browser
    target: str
    session: str

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command to this tab."""
        return self.browser.call(method, self.session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression. Raises RuntimeError where it throws."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])


@contextlib.contextmanager
def running(program: str, profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile folder, ended with the block."""
    read_commands, write_commands = os.pipe()
    read_messages, write_messages = os.pipe()
    # Above 4, so that putting one in its place does not overwrite the other.
    far = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (read_commands, write_messages)]

    def put_in_place() -> None:
        os.dup2(far[0], 3)
        os.dup2(far[1], 4)

    command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=put_in_place,  # noqa: PLW1509, whoever starts it runs no threads
    )
    for end in (read_commands, write_messages, *far):
        os.close(end)
    browser = Browser(write_commands, read_messages)
    try:
        yield browser
        browser.call("Browser.close")
        process.wait(DEADLINE_SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(write_commands)
        os.close(read_messages)


@contextlib.contextmanager
def visit(browser: Browser, page: Path, width: int, dark: bool = False) -> Iterator[Visit]:
    """Opens a file in a new tab whose window is `width` pixels wide."""
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    tab = Tab(browser, target, session)
    for domain in _DOMAINS:
        tab.call(f"{domain}.enable")
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    scheme = "dark" if dark else "light"
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.events.clear()
    tab.call("Page.navigate", url=page.as_uri())
    browser.wait("Page.loadEventFired", session)
    # One frame later, what the page asks for while it is drawn has been asked for.
    tab.call(
        "Runtime.evaluate",
        expression="new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))",
        awaitPromise=True,
    )
    ours = [event for event in browser.events if event.get("sessionId") == session]
    yield Visit(
        tab,
        [one["params"]["request"]["url"] for one in ours if one["method"] == "Network.requestWillBeSent"],
        [json.dumps(one["params"]) for one in ours if one["method"] in _COMPLAINTS],
    )
    browser.call("Target.closeTarget", targetId=target)
