"""Notice Ctrl-C for certain, and wait with an answer where there is nothing to keep yet."""

import signal
import threading
from types import FrameType
from typing import Any, Self

__all__ = ["Interruption"]


class Interruption:
    """Remember Ctrl-C also where Python loses the exception, as in the callbacks of weak references."""

    def __init__(self) -> None:
        self.times = 0
        self.patient = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take over the signal."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):  # the latter only where the program treats it as Ctrl-C
                if signal.getsignal(number) is signal.default_int_handler:
                    self._before[number] = signal.signal(number, self._notice)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signal back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _notice(self, _number: int, _frame: FrameType | None) -> None:
        self.times += 1
        if self.times > 1 or not self.patient:
            raise KeyboardInterrupt
