"""Every path, module and link that the documentation names exists, and the picture of the layout is the tree."""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
# The others are imported as parts of limbeck.
IMPORTED = ("limbeck", "benchmarks", "docs", "tests")
# A file of a run, such as `report.json`, is no attribute of a package.
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
PATH = re.compile(rf"(?:{'|'.join(PACKAGES)})/[\w./-]*|[\w-]+\.(?:py|toml)")
RUN_FILES = {"report.json", "report.html"}
# What the reader is to write.
INVENTED = {"my_task.py", "task.py"}


def names(page: Path) -> Iterator[str]:
    """What stands between backquotes, but for blocks of code; `a.{b,c}` gives two names."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for name in re.findall(r"`([^`\n]+)`", text):
        before, brace, rest = name.partition("{")
        several, _, after = rest.partition("}")
        yield from (f"{before}{one}{after}" for one in several.split(",")) if brace else (name,)


def module_exists(name: str) -> bool:
    """Whether a dotted name is a module, or something that one defines: `package.module.Class.method`."""
    parts = name.split(".")
    if parts[0] not in IMPORTED:
        return False
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file():
            return count == len(parts) or parts[count] in defined(file)
    return False


@functools.cache
def defined(file: Path) -> set[str]:
    """Names that a module defines at its top."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = {target.id for target in targets if isinstance(target, ast.Name)}
        found |= named
        if "__all__" in named:
            # Names that are loaded when they are first asked for.
            found |= {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
    return found


@functools.cache
def file_names() -> set[str]:
    """Names of all Python files: a page says which folder it speaks of."""
    return {path.name for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


def wrong(page: Path) -> list[str]:
    """Names on a page that look like modules or paths of ours, and are none."""
    found = []
    for name in names(page):
        if MODULE.fullmatch(name) and name not in RUN_FILES and not (ROOT / name).exists():
            found += [] if module_exists(name) else [name]
        elif PATH.fullmatch(name) and name not in INVENTED:
            found += [] if (ROOT / name).exists() or name in file_names() else [name]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_and_paths_exist(page: Path):
    assert wrong(page) == []


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it from the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a relative link leads to a file and, where it names one, to a heading of that file."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not leads_somewhere(page, link)] == []


def test_what_is_not_there_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "`limbeck.task.Tusk` `trainer.gone` `cli/gone.py` `gone.py` `limbeck.launchers.{launch,gone}` `cli.main`\n"
    )
    assert wrong(page) == [
        "limbeck.task.Tusk",
        "trainer.gone",
        "cli/gone.py",
        "gone.py",
        "limbeck.launchers.gone",
        "cli.main",
    ]
    page.write_text(
        "`limbeck.task.Task` `limbeck.Dropout` `pipeline.py` `limbeck/files/`\n"
        "`limbeck.launchers.launch.Launcher.stage`\n"
        "`registry.py` `training.epochs` `report.json`\n"
    )
    assert wrong(page) == []


def test_links_that_lead_nowhere_are_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# Same data, same result\n", encoding="utf-8")
    assert leads_somewhere(page, "page.md#same-data-same-result")
    assert not leads_somewhere(page, "page.md#other-data")
    assert not leads_somewhere(page, "gone.md")


def pictured() -> list[str]:
    """Paths of the picture in docs/architecture.md; a folder ends in a slash."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = page.partition("```text\n")[2].partition("```")[0]
    paths, folder = [], ""
    for line in block.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else name
        paths.append(f"{folder}{name}" if line.startswith(" ") else name)
    return paths


def test_the_picture_shows_only_what_there_is():
    paths = pictured()
    assert len(paths) > len(PACKAGES)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_picture_shows_every_package():
    tops = [ROOT / name for name in PACKAGES]
    # The tests mirror the tree, and the docs show their examples.
    inner = [
        path.parent
        for top in tops
        if top.name not in ("tests", "docs")
        for path in top.glob("*/__init__.py")
        if not path.parent.is_symlink()
    ]
    expected = {f"{path.relative_to(ROOT)}/" for path in itertools.chain(tops, inner)}
    assert expected - set(pictured()) == set()
