"""Process supervisor: starts, watches, restarts and stops children, and leaves no process behind."""

import contextlib
import queue
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from standalone.child import Child, RunningChild
from standalone.console import Console
from standalone.orphans import Sentinel, adopt_orphans, reap_orphans, sweep
from standalone.restarts import RestartPolicy

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Some senders (timeout(1), container runtimes) signal the process and then its group: that is one wish, not two.
ONE_WISH = 0.5


class _Stop(Exception):
    """Stops everything; `status` is the exit status."""

    def __init__(self, reason: str, status: int) -> None:
        self.status = status
        super().__init__(reason)


class Supervisor:
    """Runs `children` until a signal stops it or one of them crashes too often.

    Started in the given order, each once the one before it is ready; stopped in the opposite order: SIGTERM,
    `grace` seconds, SIGKILL. SIGINT, SIGTERM and SIGHUP stop; another of them, ONE_WISH seconds later or more,
    cuts every grace short. Use it from the main thread.
    """

    def __init__(self, children: Sequence[Child], console: Console, policy: RestartPolicy, grace: float) -> None:
        self._children = children
        self._console = console
        self._policy = policy
        self._grace = grace
        self._mark = uuid.uuid4().hex
        self._events: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._running: dict[str, RunningChild] = {}
        self._crashes: dict[str, list[float]] = {child.name: [] for child in children}
        self._due: dict[str, float] = {}
        self._stopping_since = float("inf")
        self._hurry = False

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Run until the end and return the exit status: 0 after a signal, 1 after too many crashes.

        `started` is called once all children have been started; it must not block.
        """
        adopt_orphans()
        with self._signals(), Sentinel(self._mark) as self._sentinel:
            try:
                self._start_all()
                started()
                while True:
                    self._wait(60.0)
            except _Stop as stop:
                self._console.say(f"{stop}: stopping")
                return stop.status
            finally:
                self._stop_all()

    # Starting and watching

    def _start_all(self) -> None:
        for child in self._children:
            self._start(child)
            while child.ready and not child.ready():
                self._wait(0.02)

    def _start(self, child: Child) -> None:
        self._due.pop(child.name, None)
        self._running[child.name] = running = RunningChild(child, self._mark, self._console)
        self._console.say(f"started {child.name} (process {running.pid})")

    def _wait(self, seconds: float) -> None:
        """Wait at most `seconds` for the next event, and handle it. Raises _Stop."""
        soon = min([seconds, *(due - time.monotonic() for due in self._due.values())])
        with contextlib.suppress(queue.Empty):
            number = self._events.get(timeout=max(0.0, soon))
            if number in STOP_SIGNALS:
                self._stopping_since = time.monotonic()
                raise _Stop(f"got {signal.Signals(number).name}", 0)
        self._look_after_children()

    def _look_after_children(self) -> None:
        for child in self._children:
            running = self._running.get(child.name)
            if running and running.status is not None:
                self._bury(running)
            elif self._due.get(child.name, float("inf")) <= time.monotonic():
                self._start(child)
        if self._sentinel.keep():
            self._console.say("the sentinel ended; started another one")
        self._reap()

    def _bury(self, running: RunningChild) -> None:
        """Log that a child has ended, kill its descendants and schedule its restart. Raises _Stop."""
        name = running.child.name
        del self._running[name]
        left = running.clear()
        self._console.say(f"{name} ended unexpectedly ({_in_words(running.status)}){_left(left)}")
        self._crashes[name].append(time.monotonic())
        delay = self._policy.delay(self._crashes[name])
        if delay is None:
            raise _Stop(f"{name} crashed {self._policy.limit + 1} times within {self._policy.window:g} s", 1)
        self._console.say(f"restarting {name} in {delay:g} s")
        self._due[name] = time.monotonic() + delay

    def _reap(self) -> None:
        reap_orphans({self._sentinel.pid, *(running.pid for running in self._running.values())})

    # Stopping

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            if running := self._running.pop(child.name, None):
                self._stop(running)
        sweep(self._mark)
        self._reap()
        self._console.say("stopped")

    def _stop(self, running: RunningChild) -> None:
        name = running.child.name
        running.terminate()
        end = time.monotonic() + self._grace
        while running.status is None and time.monotonic() < end and not self._hurry:
            self._wait_while_stopping(end - time.monotonic(), name)
        killed = running.status is None
        left = running.clear()
        if killed:
            why = "at once, as asked" if self._hurry else f"after {self._grace:g} s"
            self._console.say(f"{name} killed {why}{_left(left)}; acknowledged changes are kept")
        else:
            # Some servers end by the very signal that asked them to, once they have tidied up.
            clean = running.status in (0, -signal.SIGTERM)
            self._console.say(f"{name} stopped{'' if clean else f' ({_in_words(running.status)})'}{_left(left)}")

    def _wait_while_stopping(self, seconds: float, name: str) -> None:
        with contextlib.suppress(queue.Empty):
            if self._events.get(timeout=max(0.0, seconds)) not in STOP_SIGNALS:
                return
            if time.monotonic() - self._stopping_since > ONE_WISH:
                self._console.say(f"second stop signal: not waiting for {name} any longer")
                self._hurry = True
            self._stopping_since = min(self._stopping_since, time.monotonic())

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Turn signals into events; the queue's `put` may be called from a signal handler."""

        def note(number: int, _: FrameType | None) -> None:
            self._events.put(number)

        before = {number: signal.signal(number, note) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _in_words(status: int | None) -> str:
    if status is not None and status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def _left(count: int) -> str:
    return f", and what it left behind was killed ({count} process{'es' * (count > 1)})" if count else ""
