"""The running example of the book, with all that some chapter gives."""

import napkin as nk

EXAMPLE = nk.Napkin(
    model="Qwen3-32B",
    accelerator="B200",
    precision="fp8",
    kv_precision="fp8",
    usable_memory=0.9,
    context=20_000,
    prompt=20_000,
    message=500,
    new_tokens=500,
    think_time=60,
    price="4 USD/hour",
    host_memory="512 GB",
    host_link_bandwidth="55 GB/s",
)
