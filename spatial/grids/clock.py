"""Wall time of a search, the limit on it, and the caller's wish to stop."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Wall time, the limit on it, and the caller's wish to stop.

    Attributes
    ----------
    cut : whether the search was told to stop before it was done
    pressed : whether a step was given less to do than without a limit
    """

    def __init__(self, limit_s: float | None = None, stop: Callable[[], bool] | None = None) -> None:
        self.start = time.perf_counter()
        self.limit_s = limit_s
        self.stop = stop
        self.cut = False
        self.pressed = False

    @property
    def seconds(self) -> float:
        """Wall seconds since the start."""
        return time.perf_counter() - self.start

    @property
    def left_s(self) -> float:
        """Wall seconds until the limit, never below 0; inf without one."""
        return float("inf") if self.limit_s is None else max(0.0, self.limit_s - self.seconds)

    def out(self) -> bool:
        """Whether to stop now; remembered."""
        late = self.limit_s is not None and self.seconds > self.limit_s
        self.cut = self.cut or late or (self.stop is not None and self.stop())
        return self.cut

    def budget(self, most: int, a_second: int) -> int:
        """Return how much a step may do: `most`, or what is done in the seconds left."""
        if most <= a_second * self.left_s:
            return most
        self.pressed = True
        return 1 + int(a_second * self.left_s)

    def hurried(self, below_s: float) -> bool:
        """Whether fewer seconds are left; remembered."""
        less = self.left_s < below_s
        self.pressed = self.pressed or less
        return less
