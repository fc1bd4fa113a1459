"""The served step against a server that is a plain loop over steps and prompt tokens.

The loop shares no formula with the package: it only knows how long weights, a cache, an answer's
token and a prompt's token take. Slots are never empty: who leaves is replaced at once.
"""

from itertools import count

import pytest

import napkin as nk

SLOTS, PROMPT, ANSWER = 20, 400, 40
WEIGHTS, CACHE, TOKEN, READ = 4e-3, 0.2e-3, 0.02e-3, 0.05e-3  # seconds


def server(chunk: int = 0, seconds: float = 400) -> tuple[float, float]:
    """Return requests per second, and the mean time between two tokens of an answer.

    With a chunk, each step carries so many prompt tokens, first come first served. Without one,
    a prompt is read whole between two steps.
    """
    # Answers begin at different points, as in a steady state.
    unread, left = [0] * SLOTS, [1 + place * ANSWER // SLOTS for place in range(SLOTS)]
    came, turns = [0] * SLOTS, count(1)
    now = warm = 0.0
    done = tokens = 0
    waited = 0.0
    while now < seconds:
        if not chunk:
            for place in range(SLOTS):
                while unread[place]:
                    unread[place] -= 1
                    now += READ
        started, room, carried = now, chunk, 0
        writing = [place for place in range(SLOTS) if not unread[place]]
        for place in sorted(range(SLOTS), key=lambda place: came[place]):
            if unread[place] and room:
                take = min(unread[place], room)
                unread[place], room, carried = unread[place] - take, room - take, carried + take
        reading = WEIGHTS + CACHE * len(writing)
        now += max(reading, TOKEN * len(writing) + READ * carried)
        for place in writing:
            left[place] -= 1
            if not left[place]:
                unread[place], left[place], came[place] = PROMPT, ANSWER, next(turns)
                done += started >= seconds / 4
        if started >= seconds / 4:
            warm = warm or started
            tokens, waited = tokens + len(writing), waited + len(writing) * (now - started)
    return done / (now - warm), waited / tokens


SHEET = nk.Napkin(
    batch=SLOTS,
    new_tokens=ANSWER,
    prompt=PROMPT,
    context=PROMPT,
    decode_memory_time=WEIGHTS + SLOTS * CACHE,
    decode_compute_time=SLOTS * TOKEN,
    prefill_compute_time=PROMPT * READ,
    prefill_memory_time=WEIGHTS,
)


def test_whole_prompts_make_each_token_wait_for_its_share() -> None:
    requests, _ = server()
    assert float(SHEET.tpot) == pytest.approx(0.018)
    assert SLOTS / (ANSWER * requests) == pytest.approx(float(SHEET.tpot), rel=0.01)
    assert float(SHEET.requests_per_second) == pytest.approx(requests, rel=0.01)


def test_the_chunk_that_keeps_all_slots_writing() -> None:
    pieces = SHEET.assume("chunked_prefill")
    enough = SLOTS * PROMPT // ANSWER
    requests, _ = server(enough)
    assert float(pieces.requests_per_second) == pytest.approx(requests, rel=0.05)


def test_a_smaller_chunk_answers_as_many_until_reading_takes_longer() -> None:
    """A chunk q keeps q * new_tokens / prompt writing, and a step is the longer of two bars."""
    for chunk in (20, 60, 120, 160):
        writing = chunk * ANSWER / PROMPT
        step = max(WEIGHTS + CACHE * writing, TOKEN * writing + READ * chunk)
        requests, each = server(chunk)
        assert requests == pytest.approx(chunk / PROMPT / step, rel=0.03)
        assert each == pytest.approx(step, rel=0.05)
    # Reading and arithmetic are equal at 125 tokens: from there on, requests do not grow.
    assert server(180)[0] == pytest.approx(server(130)[0], rel=0.02)
    assert server(40)[0] < 0.6 * server(130)[0]
