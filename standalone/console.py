"""Console shared by all processes: prefixes each line with the name of its process."""

import threading
from typing import TextIO

# Of the sixteen ANSI colours, those that can be read on a dark and on a light ground.
COLOURS = {"standalone": 36, "valkey": 35, "worker": 33, "gateway": 32}
WIDTH = max(map(len, COLOURS))


class Console:
    """Writes whole lines from any thread without interleaving; colours the names if `colour`."""

    def __init__(self, stream: TextIO, colour: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._lock = threading.Lock()

    def say(self, text: str, name: str = "standalone") -> None:
        """Write `text`, with the name before each line.

        A terminal or pipe that is gone is no reason to stop serving: the text is dropped then.
        """
        prefix = f"{name:<{WIDTH}} |"
        if self._colour:
            prefix = f"\x1b[{COLOURS.get(name, 0)}m{prefix}\x1b[0m"
        block = "".join(f"{prefix} {line}\n" for line in text.split("\n"))
        with self._lock:
            try:
                self._stream.write(block)
                self._stream.flush()
            except (OSError, ValueError):
                pass
