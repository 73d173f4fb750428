"""Free memory of the host, within the limits of control groups."""

import pytest

from selfsame.learning.free_memory import measure_available, measure_free

KIB = 1024


@pytest.fixture
def host(tmp_path):
    """Write what Linux tells: `host(membership, {group: {file: text}})` gives the folders to read."""

    def write(membership="", groups=None, meminfo="MemTotal: 9000 kB\nMemAvailable:    1000 kB\n"):
        (tmp_path / "proc" / "self").mkdir(parents=True)
        (tmp_path / "groups").mkdir()
        (tmp_path / "proc" / "meminfo").write_text(meminfo)
        (tmp_path / "proc" / "self" / "cgroup").write_text(membership)
        for name, files in (groups or {}).items():
            folder = tmp_path / "groups" / name
            folder.mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                (folder / file).write_text(text)
        return tmp_path / "proc", tmp_path / "groups"

    return write


def unified(limit, used, cached=0):
    stat = f"anon 5\ninactive_file {cached}\nactive_file 0\n"
    return {"memory.max": f"{limit}\n", "memory.current": f"{used}\n", "memory.stat": stat}


def divided(limit, used, cached=0):
    stat = f"inactive_file 1\ntotal_inactive_file 0\ntotal_active_file {cached}\n"
    return {"memory.limit_in_bytes": f"{limit}", "memory.usage_in_bytes": f"{used}", "memory.stat": stat}


@pytest.mark.parametrize(
    ("membership", "groups", "available"),
    [
        ("", {}, 1000 * KIB),
        ("0::/job\n", {"job": unified(5000, 3000)}, 2000),
        ("0::/job\n", {"job": unified(5000, 3000, cached=700)}, 2700),
        ("0::/job\n", {"job": unified("max", 3000)}, 1000 * KIB),
        ("0::/all/job\n", {"all": unified(4000, 3500), "all/job": unified("max", 3000)}, 500),
        ("0::/\n", {".": unified(5000, 4000)}, 1000),
        ("0::/job\n", {"job": unified(5000, 6000)}, 0),
        ("0::/elsewhere\n", {}, 1000 * KIB),
        ("4:cpu,memory:/job\n0::/\n", {"memory/job": divided(5000, 3000, cached=50)}, 2050),
        ("4:cpuset:/job\n", {"memory/job": divided(5000, 3000)}, 1000 * KIB),
    ],
)
def test_available_memory_is_the_least_that_any_group_leaves(host, membership, groups, available):
    assert measure_available(*host(membership, groups)) == available


def test_a_system_that_tells_nothing_is_said_to(host):
    assert measure_available(*host(meminfo="")) is None


def test_this_host_has_some_memory():
    free = measure_free("cpu")
    assert free is None or free > KIB
