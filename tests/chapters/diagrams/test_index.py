"""The picture of the first page: what it stores for a page, and what stands there without one."""

import json
import re

import pytest

import napkin as nk
from diagrams import index, tour


@pytest.fixture
def n() -> nk.Napkin:
    return nk.Napkin(
        model="Qwen3-32B",
        accelerator="B200",
        precision="fp8",
        usable_memory=0.9,
        context=8_000,
        prompt=8_000,
        message=500,
        new_tokens=500,
        think_time=45,
        price=4,
        host_memory="1 TB",
        host_link_bandwidth="55 GB/s",
    )


def test_it_stores_programs_and_shows_the_drawing_where_nothing_computes(n: nk.Napkin) -> None:
    picture = index.memory(n)
    still = n.assume(nk.variants.idle_resident)
    data, _ = picture._repr_mimebundle_()
    told = re.search(r"data-memory-map>(.*?)</script>", data["text/html"])
    assert told
    spec = json.loads(told[1])["spec"]
    assert spec["start"] == {"context": 8_000, "think_time": 45, "idle": "resident"}
    assert all(spec["start"][name] in stops for name, stops in spec["stops"].items())
    for case in spec["idle"].values():
        assert ["usual_tpot" in part["code"] for part in case["bound"]][:2] == [False, True]
        assert "v.tpot_error" in case["predicted"][1]["code"]
    users = int(still.users.number)
    assert f"<strong>{users}</strong> <b>users</b>" in data["text/html"]
    assert tour.memory_map(still)._repr_html_() in data["text/html"]
    assert data["text/plain"].startswith(f"{users} users, ")


def test_it_takes_a_worksheet(n: nk.Napkin) -> None:
    with pytest.raises(nk.NapkinError, match="memory"):
        index.memory(n.context)  # type: ignore[arg-type]  # a wrong type is the test
