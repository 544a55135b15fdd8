"""Do one thing for many items in a few processes, forked for that and ended after it.

For sampling: the processes are gone before anything is timed, so they disturb no timing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from llmcc.optimize.crew import Crew

ItemT = TypeVar("ItemT")
ReplyT = TypeVar("ReplyT")

_WAIT_S = 60.0


def side_by_side(
    do: Callable[[ItemT], ReplyT],
    items: Sequence[ItemT],
    *,
    jobs: int,
    advance: Callable[[], None] = lambda: None,
) -> list[ReplyT]:
    """Give what `do` gives for each item, in their order.

    Args:
        do: must not use torch, whose threads a forked process has lost.
        items: read in the processes as they are when these are forked.
        jobs: processes; 1 means this one.
        advance: called after each item.

    Raises:
        RuntimeError: a process died; what it said is on stderr.
    """
    replies: dict[int, ReplyT] = {}
    if jobs == 1:
        for number, item in enumerate(items):
            replies[number] = do(item)
            advance()
        return list(replies.values())
    waiting = list(range(len(items)))[::-1]
    with Crew[int, ReplyT](min(jobs, len(items)), lambda: lambda n: do(items[n])) as crew:
        while waiting or crew.at_work:
            while waiting and crew.has_idle:
                crew.begin(waiting.pop())
            for number, reply in crew.wait(_WAIT_S):
                if reply is None:
                    raise RuntimeError(f"the process that worked on item {number} has died")
                replies[number] = reply
                advance()
    return [replies[number] for number in range(len(items))]
