"""The same answers in plain floats, written down a second time, from the definitions.

Nothing here comes from the package: the numbers of `givens` are in byte, FLOP, second
and USD, and the names of bundles say which assumptions hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import floor, inf

DEFAULTS = {
    "n_gpus": 1.0,
    "flops_per_mac": 2.0,
    "compute_efficiency": 1.0,
    "bandwidth_efficiency": 1.0,
    "usable_memory": 1.0,
    "reserved_memory": 0.0,
    "bytes_per_state": 4.0,
    "month": 720 * 3600.0,
    "n_mlp_matrices": 3.0,
    "norms_per_layer": 2.0,
}


@dataclass
class Twin:
    """One replica under some givens and assumptions."""

    givens: Mapping[str, float]
    bundles: Collection[str]

    def __getattr__(self, name: str) -> float:
        if name in self.givens:
            return self.givens[name]
        return DEFAULTS.get(name, 0.0)

    def has(self, bundle: str) -> bool:
        return bundle in self.bundles

    # ------------------------------------------------------------ the model

    def attention_layer(self) -> float:
        d = self.d_model
        if self.has("mla"):
            down = d * self.q_lora_rank + self.q_lora_rank + d * (self.kv_lora_rank + self.d_rope)
            up_q = self.q_lora_rank * self.n_heads * (self.d_nope + self.d_rope)
            up_kv = self.kv_lora_rank * self.n_heads * (self.d_nope + self.d_value)
            return down + self.kv_lora_rank + up_q + up_kv + self.n_heads * self.d_value * d
        query = d * self.n_heads * self.d_head
        key_value = 2 * d * self.kv_heads() * self.d_head
        return 2 * query + key_value + self.qk_norm * 2 * self.d_head

    def kv_heads(self) -> float:
        if self.has("mha"):
            return self.n_heads
        return 1.0 if self.has("mqa") else self.n_kv_heads

    def linear_layer(self) -> float:
        keys = self.n_linear_key_heads * self.d_linear_key
        values = self.n_linear_value_heads * self.d_linear_value
        mixed = 2 * keys + values
        inputs = self.d_model * (mixed + values + 2 * self.n_linear_value_heads)
        small = 2 * self.n_linear_value_heads + self.d_linear_value
        return inputs + self.conv_kernel * mixed + small + values * self.d_model

    def windowed_share(self) -> float:
        """Share of the attending layers that see only a window."""
        attending = self.n_layers - self.n_layers_linear
        return self.n_layers_window / attending if attending else 0.0

    def expert(self) -> float:
        return self.n_mlp_matrices * self.d_model * self.d_ff_expert

    def moe_layers(self) -> float:
        return self.n_layers - self.n_layers_dense if self.has("moe") else 0.0

    def n_params(self) -> float:
        full = self.n_layers - self.n_layers_linear
        total = full * self.attention_layer() + self.n_layers_linear * self.linear_layer()
        dense = self.n_layers - self.moe_layers()
        total += dense * self.n_mlp_matrices * self.d_model * self.d_ff
        shared = self.n_experts_shared * self.expert()
        router = self.d_model * self.n_experts
        total += self.moe_layers() * (self.n_experts * self.expert() + shared + router)
        total += (self.norms_per_layer * self.n_layers + 1) * self.d_model
        return total + (1 if self.tied_embeddings else 2) * self.n_vocab * self.d_model

    def n_params_active(self) -> float:
        idle = self.moe_layers() * (self.n_experts - self.n_experts_active) * self.expert()
        embedding = 0 if self.tied_embeddings else self.n_vocab * self.d_model
        return self.n_params() - embedding - idle

    def weight_bytes(self) -> float:
        return self.bytes_per_weight * self.n_params()

    # ------------------------------------------------------- cache and work

    def tokens_kept(self) -> float:
        share = self.windowed_share()
        if not share:
            return self.context
        return (1 - share) * self.context + share * min(self.context, self.window)

    def tokens_reserved(self) -> float:
        share = self.windowed_share()
        if not share:
            return self.max_context
        return (1 - share) * self.max_context + share * min(self.max_context, self.window)

    def kv_bytes_per_token(self) -> float:
        layers = self.n_layers - self.n_layers_linear
        if self.has("mla"):
            return layers * (self.kv_lora_rank + self.d_rope) * self.bytes_per_kv
        return layers * 2 * self.kv_heads() * self.d_head * self.bytes_per_kv

    def kv_bytes_per_sequence(self) -> float:
        keys = self.n_linear_key_heads * self.d_linear_key
        values = self.n_linear_value_heads * self.d_linear_value
        matrix = self.n_linear_value_heads * self.d_linear_key * self.d_linear_value
        tail = (self.conv_kernel - 1) * (2 * keys + values)
        state = matrix * self.bytes_per_state + tail * self.bytes_per_kv
        return self.kv_bytes_per_token() * self.tokens_kept() + self.n_layers_linear * state

    def attention_per_pair(self, decode: bool) -> float:
        layers = self.n_layers - self.n_layers_linear
        if not self.has("mla"):
            width = 2 * self.d_head
        elif decode:
            width = 2 * self.kv_lora_rank + self.d_rope
        else:
            width = self.d_nope + self.d_rope + self.d_value
        return self.flops_per_mac * layers * self.n_heads * width

    def recurrence(self) -> float:
        matrix = self.n_linear_value_heads * self.d_linear_key * self.d_linear_value
        return 3 * self.flops_per_mac * self.n_layers_linear * matrix

    def weight_flops(self) -> float:
        return self.flops_per_mac * self.n_params_active()

    def sequence_step_flops(self) -> float:
        attention = self.attention_per_pair(True) * self.tokens_kept() + self.recurrence()
        return self.weight_flops() + attention

    def copies(self) -> float:
        """GPUs for each part of a cache: for each KV head, or for the one vector of all heads."""
        return max(1.0, self.n_gpus / (1.0 if self.has("mla") else self.kv_heads()))

    # --------------------------------------------------------------- a step

    def flow(self) -> float:
        return self.n_gpus * self.bandwidth * self.bandwidth_efficiency

    def rate(self) -> float:
        return self.n_gpus * self.peak_flops * self.compute_efficiency

    def read(self, tokens: float) -> float:
        """Weight bytes that a step with so many tokens reads."""
        always = self.n_params_active()
        always -= self.moe_layers() * self.n_experts_active * self.expert()
        touched = 0.0
        if self.has("moe"):
            touched = self.n_experts * (1 - (1 - self.n_experts_active / self.n_experts) ** tokens)
        return self.bytes_per_weight * (always + self.moe_layers() * touched * self.expert())

    def step_time(self, batch: float) -> float:
        cached = batch * self.copies() * self.kv_bytes_per_sequence()
        memory = (self.read(batch) + cached) / self.flow()
        compute = batch * self.sequence_step_flops() / self.rate()
        if self.has("attention_apart"):
            cache = cached / self.flow()
            weights = self.read(batch) / self.flow()
            return cache + max(batch * self.weight_flops() / self.rate(), weights)
        if self.has("with_overheads"):
            launches = self.n_kernels * self.kernel_launch_time
            return max(memory, compute, launches) + self.host_time
        return max(memory, compute)

    def prompts_of_others(self) -> bool:
        return bool(self.prompt and self.new_tokens)

    def tpot_at(self, batch: float) -> float:
        """Time between two tokens of one sequence, prompts of others included."""
        alone = self.step_time(batch)
        if not self.prompts_of_others() or self.has("disaggregated"):
            return alone
        prompts = batch / self.new_tokens  # begun for each token that a sequence writes
        if not self.has("chunked_prefill"):
            return alone + prompts * self.prefill_time()
        work = batch * self.sequence_step_flops() / self.rate()
        if self.has("attention_apart"):
            work = batch * self.weight_flops() / self.rate()
            work += batch * self.copies() * self.kv_bytes_per_sequence() / self.flow()
        return max(alone, work + prompts * self.prompt_work() / self.rate())

    def largest_batch_at_speed(self) -> float:
        """The largest batch whose step is short enough, by bisection."""
        allowed = 1 / self.speed_target
        if self.tpot_at(1e-9) > allowed:
            return 0.0
        low, high = 1e-9, 1.0
        while self.tpot_at(high) <= allowed and high < 1e18:
            low, high = high, high * 2
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if self.tpot_at(middle) <= allowed else (low, middle)
        return low

    # -------------------------------------------------------------- who fits

    def kv_budget(self) -> float:
        usable = self.usable_memory * self.memory - self.reserved_memory
        return self.n_gpus * usable - self.weight_bytes()

    def concurrent_sequences(self) -> float:
        taken = self.kv_bytes_per_sequence()
        if self.has("paged"):
            taken += self.kv_bytes_per_token() * (self.block_size - 1) / 2
        if self.has("reserved_maximum"):
            taken += self.kv_bytes_per_token() * (self.tokens_reserved() - self.tokens_kept())
        return self.kv_budget() / (self.copies() * taken) if taken else inf

    def active_limit(self) -> float:
        if not self.speed_target:
            return self.concurrent_sequences()
        return min(self.concurrent_sequences(), self.largest_batch_at_speed())

    def decode_step_time(self) -> float:
        return self.step_time(self.batch or self.active_limit())

    def tpot(self) -> float:
        return self.tpot_at(self.batch or self.active_limit())

    def tokens_per_second(self) -> float:
        return (self.batch or self.active_limit()) / self.tpot()

    def tokens_per_second_per_user(self) -> float:
        return 1 / self.tpot()

    def requests_per_second(self) -> float:
        return self.tokens_per_second() / self.new_tokens

    def whole_sequences(self) -> float:
        return floor(self.concurrent_sequences())

    # ------------------------------------------------------ the first token

    def pairs(self) -> float:
        """Query-key pairs of the prompt, averaged over the layers."""
        before = self.prompt * self.cached_share()
        new = self.prompt - before
        full = new * before + new * (new + 1) / 2
        share = self.windowed_share()
        if not share:
            return full
        inside = max(0.0, min(new, self.window - before))
        windowed = inside * before + inside * (inside + 1) / 2 + (new - inside) * self.window
        return (1 - share) * full + share * windowed

    def weight_bytes_read(self) -> float:
        return self.read(self.batch or self.active_limit())

    def cached_share(self) -> float:
        """Share of the prompt that an earlier turn left in the cache."""
        if "hit_rate" in self.givens:
            return self.hit_rate
        if self.has("idle_recomputed") or not self.message:
            return 0.0
        return 1 - self.message / self.prompt

    def prompt_work(self) -> float:
        new = self.prompt * (1 - self.cached_share())
        head = self.n_vocab * self.d_model
        work = self.flops_per_mac * ((self.n_params_active() - head) * new + head)
        return work + self.attention_per_pair(False) * self.pairs() + self.recurrence() * new

    def prefill_time(self) -> float:
        new = self.prompt * (1 - self.cached_share())
        first = self.read(new) if self.has("moe") else self.read(1)
        return max(self.prompt_work() / self.rate(), first / self.flow())

    def ttft_at(self, batch: float) -> float:
        wait = self.prefill_time()
        if not self.has("disaggregated"):
            wait += self.step_time(batch)
        if self.has("idle_offloaded") and self.host_link_bandwidth:
            wait += self.kv_bytes_per_sequence() / (self.n_gpus * self.host_link_bandwidth)
        return wait

    def ttft(self) -> float:
        return self.ttft_at(self.batch or self.active_limit())

    # ----------------------------------------------------- users and dollars

    def active_share(self) -> float:
        """Share of a turn in which a user is active, at the server's fullest."""
        if self.duty_cycle:
            return self.duty_cycle
        full = self.active_limit()
        writing = self.new_tokens * self.tpot_at(full)
        waiting = self.ttft_at(full)
        in_place = 0.0 if self.has("disaggregated") else waiting
        return (in_place + writing) / (waiting + writing + self.think_time)

    def turn(self) -> float:
        elsewhere = self.ttft_at(self.active_limit()) if self.has("disaggregated") else 0.0
        return self.turn_period or (self.think_time + elsewhere) / (1 - self.active_share())

    def users(self) -> float:
        by_load = self.active_limit() / self.active_share()
        if self.has("idle_recomputed"):
            return by_load
        if not self.has("idle_offloaded"):
            return min(by_load, self.concurrent_sequences())
        cache = self.kv_bytes_per_sequence()
        limits = [by_load]
        if self.host_memory:
            limits.append(self.n_gpus * self.host_memory / cache)
        if self.host_link_bandwidth:
            out = cache
            if self.message and self.new_tokens:
                state = cache - self.kv_bytes_per_token() * self.tokens_kept()
                new = self.kv_bytes_per_token() * (self.message + self.new_tokens)
                out = min(cache, new + state)
            limits.append(self.n_gpus * self.host_link_bandwidth * self.turn() / (cache + out))
        return min(limits)

    def users_per_gpu(self) -> float:
        return self.users() / self.n_gpus

    def hourly(self) -> float:
        """Price of a GPU for a second."""
        if self.has("own"):
            return self.capex / self.lifetime + self.power * self.pue * self.electricity_price
        return self.price

    def gpus_paid(self, requests: float) -> float:
        """GPUs of the replica, and those that read the prompts of so many requests a second."""
        if not self.has("disaggregated"):
            return self.n_gpus
        return self.n_gpus * (1 + requests * self.prefill_time())

    def answering(self, batch: float) -> float:
        return self.ttft_at(batch) + self.new_tokens * self.tpot_at(batch)

    def request_rate(self) -> float:
        """Requests of users who think, at the batch that they meet, by bisection."""
        if "think_time" not in self.givens:
            return self.requests_per_second()
        users = self.users()
        elsewhere = self.ttft_at(self.active_limit()) if self.has("disaggregated") else 0.0

        def met(batch: float) -> float:
            busy = self.answering(batch)
            return 1 + (users - 1) * (busy - elsewhere) / (busy + self.think_time)

        low, high = 1.0, max(users, 1.0)
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if met(middle) >= middle else (low, middle)
        return users / (self.answering(low) + self.think_time)

    def cost_per_user_month(self) -> float:
        requests = self.request_rate() if self.has("disaggregated") else 0.0
        return self.hourly() * self.gpus_paid(requests) * self.month / self.users()

    def cost_per_million_tokens(self) -> float:
        requests = self.requests_per_second() if self.has("disaggregated") else 0.0
        return self.hourly() * self.gpus_paid(requests) / self.tokens_per_second()
