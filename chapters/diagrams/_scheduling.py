# SPDX-License-Identifier: Apache-2.0
"""A server of a few slots, run for a while under three ways to schedule its prompts."""

from __future__ import annotations

from itertools import cycle
from typing import Final, NamedTuple

from napkin.worksheet.napkin import Napkin

POLICIES: Final = ("static batch", "continuous batching", "chunked prefill")
WRITES: Final = "writing: one block, one token"
READS: Final = "its own prompt is being read"
QUEUES: Final = "its own prompt waits for its turn"
WAITS: Final = "stopped while another's prompt is read"
EMPTY: Final = "empty"
# Answers of very different lengths, with a mean of 1.
_LENGTHS: Final = (2.0, 0.4, 1.2, 0.4, 0.6, 1.8, 1.0, 0.6, 1.4, 0.5, 0.9, 1.2, 0.8, 1.6, 0.4, 1.2)


class Block(NamedTuple):
    """What a slot does for a while; `pause` is how long its user waited for this token."""

    slot: int
    kind: str
    start: float
    lasts: float
    tokens: int = 0
    pause: float = 0.0


def served(n: Napkin, policy: str, until: float) -> list[Block]:
    """Run a server of a few slots, whose first prompts have been read."""
    step, prompt = float(n.decode_step_time), float(n.prefill_time)
    answers = (max(1, round(length * float(n.new_tokens))) for length in cycle(_LENGTHS))
    slots, now, blocks = range(int(n.batch)), 0.0, list[Block]()
    left, unread, seen = [next(answers) for _ in slots], [0.0 for _ in slots], [0.0 for _ in slots]
    while now < until:
        if policy != POLICIES[0] or not any(left):  # a static batch ends before the next begins
            for slot in slots:
                if not left[slot]:
                    left[slot], unread[slot] = next(answers), prompt
        piece = step if policy == POLICIES[2] else 0.0
        for slot in slots:
            if unread[slot] and not piece:  # a whole prompt: all others wait
                for other in slots:
                    kind = READS if other == slot else QUEUES if unread[other] else WAITS
                    kind = kind if left[other] else EMPTY
                    blocks.append(Block(other, kind, now, prompt))
                now, unread[slot], seen[slot] = now + prompt, 0.0, now + prompt
        reading, room = dict[int, float](), piece
        for slot in slots:
            if unread[slot]:
                reading[slot] = min(unread[slot], room)
                room -= reading[slot]
                rest = unread[slot] - reading[slot]
                unread[slot] = rest if rest > 1e-9 * prompt else 0.0  # no crumb takes a step
        took = step + sum(reading.values())
        for slot in slots:
            if slot in reading:
                blocks.append(Block(slot, READS if reading[slot] else QUEUES, now, took))
                seen[slot] = now + took
            elif left[slot]:
                blocks.append(Block(slot, WRITES, now, took, 1, now + took - seen[slot]))
                left[slot], seen[slot] = left[slot] - 1, now + took
            else:
                blocks.append(Block(slot, EMPTY, now, took))
        now += took
    return [block for block in blocks if block.start < until]
