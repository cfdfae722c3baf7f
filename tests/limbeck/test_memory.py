"""How much memory there is, and what is refused."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from limbeck import memory
from limbeck.errors import UserError
from limbeck.memory import Limit

MIB = 1 << 20
LIMIT = Limit(100 * MIB, 20 * MIB, "the limit of the container (x)")


def test_what_fits_passes_to_the_byte():
    memory.assert_room("Transform", 40 * MIB, 2.0, "", LIMIT)
    with pytest.raises(UserError, match="Transform keeps its rows"):
        memory.assert_room("Transform", 40 * MIB + 1, 2.0, "", LIMIT)


def test_a_refusal_has_the_numbers_and_a_way_out():
    with pytest.raises(UserError) as caught:
        memory.assert_room("Transform", 300 * MIB, 2.0, "take another engine", LIMIT)
    assert str(caught.value) == (
        "Transform keeps its rows in memory: for 300 MiB of rows it needs about 600 MiB beside the 20 MiB that its "
        "process has taken, but the limit of the container (x) is 100 MiB: take another engine"
    )


def test_a_limit_of_the_process_counts_where_it_leaves_the_least():
    unlimited = memory.limit()
    assert unlimited is not None and unlimited.taken > 0
    code = (
        "import resource; from limbeck import memory\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({600 * MIB}, {600 * MIB}))\n"
        "found = memory.limit()\n"
        "print(found.bytes, found.what, 0 < found.taken < found.bytes, found.room == found.bytes - found.taken)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{600 * MIB} the limit of the process (RLIMIT_DATA) True True"
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("groups", "file"),
    [("0::/box\n", "memory.max"), ("4:memory:/box\n0::/\n", "memory.limit_in_bytes")],
    ids=["version 2", "version 1"],
)
def test_control_groups_are_found_by_their_names(monkeypatch: pytest.MonkeyPatch, groups: str, file: str):
    read = Path.read_text

    def told(self: Path, *arguments: object, **options: object) -> str:
        if str(self) == "/proc/self/cgroup":
            return groups
        if self.name == file and self.parent.name == "box":
            return f"{64 * MIB}\n"
        if self.name == file:
            return "max\n"
        return read(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", told)
    found = memory.limit()
    assert found is not None
    assert found.bytes == 64 * MIB
    assert found.what.startswith("the limit of the container (/sys/fs/cgroup/")
    assert found.what.endswith(f"/box/{file})")
