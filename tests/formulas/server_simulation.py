"""A server, one decode step after the other: a twin that shares no formula with the package.

Sessions think, send a message, wait, have their prompt read, and write their answer one token
a step. The first token comes with the prompt. Times follow from the bytes and the FLOPs of the
shapes; everything else is counted.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf
from random import Random
from statistics import fmean
from typing import Self


@dataclass(frozen=True)
class Machine:
    """A dense transformer on one GPU: plain numbers, bytes, FLOP/s and byte/s."""

    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int
    d_ff: int
    n_vocab: int
    width: int  # bytes of a weight, and of a cached number
    bandwidth: float
    peak_flops: float

    @property
    def weights(self) -> int:
        """Weights of all layers, with the vectors of their norms."""
        attention = self.d_model * self.d_head * (2 * self.n_heads + 2 * self.n_kv_heads)
        mlp = 3 * self.d_model * self.d_ff
        return self.n_layers * (attention + mlp + 2 * self.d_model) + self.d_model

    @property
    def head(self) -> int:
        return self.d_model * self.n_vocab

    @property
    def bytes_read(self) -> float:
        return self.width * (self.weights + self.head)

    @property
    def pair_work(self) -> float:
        """FLOPs of one token with one cached token: scores, and a sum of values."""
        return 2 * 2.0 * self.n_layers * self.n_heads * self.d_head

    @property
    def token_bytes(self) -> float:
        """Cache of one token: a key and a value of each head in each layer."""
        return self.n_layers * 2.0 * self.n_kv_heads * self.d_head * self.width

    def step_time(self, n: int, tokens: float, prompts: float = 0.0, reread: float = 0.0) -> float:
        """Return the seconds of a step of n sequences that cache so many tokens together."""
        work = n * 2.0 * (self.weights + self.head) + tokens * self.pair_work + prompts
        read = self.bytes_read + (tokens + reread) * self.token_bytes
        return max(read / self.bandwidth, work / self.peak_flops)

    def prompt_time(self, cached: int, new: int) -> float:
        """Return the seconds of a prompt that is read in one piece."""
        work = prompt_work(self, cached, new, True)
        return max(work / self.peak_flops, self.bytes_read / self.bandwidth)


@cache
def prompt_work(machine: Machine, cached: int, new: int, ends: bool) -> float:
    """FLOPs of some prompt tokens after others; only the last one of a prompt needs the head."""
    pairs = sum(range(cached + 1, cached + new + 1))
    return 2.0 * (new * machine.weights + ends * machine.head) + pairs * machine.pair_work


@dataclass(frozen=True)
class Traffic:
    """What sessions do: each chats about its document, some turns long, and then starts over."""

    document: int
    turns: int
    message: int
    answer: int
    think: float = 0.0  # seconds
    by_chance: bool = False  # whether these are the mean of an exponential distribution


@dataclass(frozen=True)
class Policy:
    """How the server treats prompts, and the caches of sessions that think."""

    prompts: str = "whole"  # between two steps; or in "pieces" within steps; or "apart"
    idle: str = "resident"  # or "offloaded"; or "recomputed"
    places: float = inf
    piece: int = 0  # prompt tokens that ride along in a step
    rereads: bool = False  # whether a piece also takes the time to read its own cache
    link: float = inf  # byte/s to the host, both directions together


@dataclass(eq=False)
class Session:
    """One user and their chat."""

    turn: int
    cached: int  # tokens, when not in the batch
    answer: int  # tokens: the first one is shorter by chance, so that sessions get out of step
    left: int = 0  # prompt tokens still to read
    last_step: int = 0
    asked: float = 0.0
    first: float = 0.0  # token
    joined: float = 0.0  # the batch
    alone: bool = True  # whether only the running step is in front of it


@dataclass(frozen=True)
class Turn:
    """What one turn took, in seconds."""

    ttft: float
    per_token: float
    alone: bool


class Server:
    """The loop: read prompts, fill the places, take a step."""

    read_ahead = 2  # prompts that are read before there is a place for them

    def __init__(self, machine: Machine, traffic: Traffic, policy: Policy, n_sessions: int) -> None:
        self.machine, self.traffic, self.policy = machine, traffic, policy
        self.random, self.numbers = Random(1), count()
        self.clock = self.link_free = 0.0
        self.steps = self.tokens = 0  # tokens: cached by the batch
        self.prompting = False
        self.waiting, self.ready = deque[Session](), deque[Session]()
        self.batch: list[tuple[int, int, Session]] = []  # by their last step
        self.events: list[tuple[float, int, Callable[[Session], None], Session]] = []
        self.thinking = n_sessions
        self.sessions = list[Session]()
        for i in range(n_sessions):
            turn, answer = i % traffic.turns + 1, self.random.randint(2, traffic.answer)
            cached = traffic.document + turn * (traffic.message + traffic.answer)
            self.sessions.append(Session(turn, cached, answer))
            self.later(self.random.random() * traffic.think, self.ask, self.sessions[i])

    def run(self, turns: int, warm_up: int) -> Self:
        """Run until so many turns are done; counting starts after a warm-up."""
        for wanted in (warm_up, turns):
            self.begun = self.clock
            self.reading = self.sending = 0.0  # seconds of prompts, and of the link
            self.present = defaultdict[int, float](float)  # seconds with so many active
            self.queued = 0.0  # sessions that wait in line, times seconds
            self.held: list[list[int]] = []  # tokens that each session caches, now and then
            self.done: list[Turn] = []
            while len(self.done) < wanted:
                self.go_on()
        self.seconds = self.clock - self.begun
        return self

    def mean(self, what: str) -> float:
        return fmean(getattr(turn, what) for turn in self.done)

    def mean_active(self) -> float:
        """Sessions from their question to their last token, without those that wait in line."""
        present = sum(n * seconds for n, seconds in self.present.items())
        return (present - self.queued) / self.seconds

    def share_above(self, places: float) -> float:
        """Share of time in which more sessions are active than there are places."""
        return sum(time for n, time in self.present.items() if n > places) / self.seconds

    def pages(self, size: int) -> list[int]:
        """Pages that the caches of all sessions take, at each look."""
        return [sum(ceil(tokens / size) for tokens in look) for look in self.held]

    def ask(self, whose: Session) -> None:
        """Send a message; what is cached elsewhere must come back first."""
        if whose.turn == self.traffic.turns:  # this chat is over, and the next one begins
            whose.turn, whose.cached = 0, self.traffic.document
        whose.turn += 1
        whose.asked, whose.left = self.clock, self.traffic.message
        whose.alone = self.link_free <= self.clock
        self.thinking -= 1
        if self.policy.idle == "recomputed":
            whose.left, whose.cached = whose.left + whose.cached, 0
        if self.policy.idle == "offloaded":
            self.later(self.send(whose.cached), self.queue, whose)
        else:
            self.queue(whose)

    def send(self, tokens: int) -> float:
        """Give the link the cache of some tokens to carry, and return when it has arrived."""
        takes = tokens * self.machine.token_bytes / self.policy.link
        self.sending += takes
        self.link_free = max(self.link_free, self.clock) + takes
        return self.link_free

    def queue(self, whose: Session) -> None:
        whose.alone &= self.has_place() and not (self.waiting or self.prompting)
        if self.policy.prompts == "apart":  # on other GPUs, as many as it takes
            takes = self.machine.prompt_time(whose.cached, whose.left)
            self.reading += takes
            self.later(self.clock + takes, self.prompt_is_read, whose)
        else:
            self.waiting.append(whose)

    def has_place(self) -> bool:
        return len(self.batch) < self.policy.places

    def prompt_is_read(self, whose: Session) -> None:
        whose.first = self.clock
        whose.cached, whose.left = whose.cached + whose.left, 0
        self.ready.append(whose)

    def join(self, whose: Session) -> None:
        whose.joined = self.clock
        whose.last_step = self.steps + whose.answer - 1
        heappush(self.batch, (whose.last_step, next(self.numbers), whose))
        self.tokens += whose.cached

    def leave(self, whose: Session) -> None:
        whose.cached += whose.answer - 1
        self.tokens -= whose.cached
        per_token = (self.clock - whose.joined) / (whose.answer - 1)
        self.done.append(Turn(whose.first - whose.asked, per_token, whose.alone))
        self.thinking += 1
        if self.policy.idle == "offloaded":  # the host still has what was there before
            self.send(self.traffic.message + self.traffic.answer)
        whose.answer = self.traffic.answer
        share = self.random.expovariate(1) if self.traffic.by_chance else 1
        self.later(self.clock + share * self.traffic.think, self.ask, whose)

    def later(self, time: float, what: Callable[[Session], None], whose: Session) -> None:
        heappush(self.events, (time, next(self.numbers), what, whose))

    def pass_time(self, seconds: float) -> None:
        end = self.clock + seconds
        while self.events and self.events[0][0] <= end:
            time, _, what, whose = heappop(self.events)
            self.tally(time)
            what(whose)
        self.tally(end)

    def tally(self, now: float) -> None:
        self.present[len(self.sessions) - self.thinking] += now - self.clock
        self.queued += (len(self.waiting) + len(self.ready)) * (now - self.clock)
        self.clock = now

    def read_whole(self) -> None:
        """Read each prompt that has a place, one after the other."""
        self.prompting = True
        while self.waiting and self.has_place():
            whose = self.waiting.popleft()
            takes = self.machine.prompt_time(whose.cached, whose.left)
            self.reading += takes
            self.pass_time(takes)
            self.prompt_is_read(whose)
            self.join(self.ready.popleft())
        self.prompting = False

    def take_pieces(self) -> tuple[float, int, list[Session]]:
        """Take prompt tokens for a step: their work, what they look back on, whose they end."""
        budget, work, looked, ended = self.policy.piece, 0.0, 0, list[Session]()
        while budget and self.waiting and len(self.ready) + len(ended) < self.read_ahead:
            whose = self.waiting[0]
            new = min(budget, whose.left)
            work += prompt_work(self.machine, whose.cached, new, new == whose.left)
            looked += whose.cached
            budget, whose.left, whose.cached = budget - new, whose.left - new, whose.cached + new
            if not whose.left:
                ended.append(self.waiting.popleft())
        self.reading += work / self.machine.peak_flops
        return work, looked * self.policy.rereads, ended

    def go_on(self) -> None:
        """Take one step, or wait for somebody to ask."""
        if self.policy.prompts == "whole":
            self.read_whole()
        while self.ready and self.has_place():
            self.join(self.ready.popleft())
        work, looked, ended = self.take_pieces()
        if not self.batch and not work:
            self.pass_time(self.events[0][0] - self.clock)
            return
        self.pass_time(self.machine.step_time(len(self.batch), self.tokens, work, looked))
        self.steps += 1
        self.tokens += len(self.batch)
        for whose in ended:
            self.prompt_is_read(whose)
        while self.batch and self.batch[0][0] <= self.steps:
            self.leave(heappop(self.batch)[-1])
        if self.steps % 100 == 0:
            written = {id(s): s.answer - 1 - s.last_step + self.steps for *_, s in self.batch}
            self.held.append([s.cached + written.get(id(s), 0) for s in self.sessions])
