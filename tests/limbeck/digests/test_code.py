"""What changes a digest, and what must not: each rule on small modules that are written to a fresh folder."""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from limbeck.digests import module as source_module
from limbeck.digests.code import TaskDigests, code_digest, dependencies, task_digests
from limbeck.digests.dependencies import Project
from limbeck.errors import TaskError
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from limbeck.task import PARTS, Task

ROOT = Path(__file__).parents[3]
Files = Mapping[str, str]
Write = Callable[[Files], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files into a folder of their own, so that every comparison is also one of two absolute paths."""
    number = itertools.count()

    def write_files(files: Files) -> str:
        folder = tmp_path / f"version-{next(number)}"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(folder)

    return write_files


@pytest.fixture
def load() -> Iterator[Callable[[str], tuple[Task, TaskRef]]]:
    """Imports `example:TASK` from a folder as if for the first time."""
    modules, path = set(sys.modules), list(sys.path)

    def forget() -> None:
        for name in set(sys.modules) - modules:
            if name.partition(".")[0] in ("example", "helpers", "nets"):
                del sys.modules[name]
        sys.path[:] = path

    def load_task(folder: str) -> tuple[Task, TaskRef]:
        forget()
        ref = TaskRef(module="example", search_path=folder)
        return ref.load(), ref

    yield load_task
    forget()


def edited(files: Files, file: str, old: str, new: str) -> dict[str, str]:
    text = textwrap.dedent(files[file])
    assert text.count(old) == 1, f"{old!r} must be in {file} once"
    return {**files, file: text.replace(old, new)}


# One module each, entered at `f`; then an edit of it.
SAME = {
    "comment": ("def f(): return 1\n", "# why\ndef f():  # how\n    return 1  # what\n"),
    "docstring": ('def f():\n    "old"\n    return 1\n', 'def f():\n    """new"""\n    return 1\n'),
    "docstring added": ("def f():\n    return 1\n", 'def f():\n    """new"""\n    return 1\n'),
    "only a docstring": ('def f():\n    "old"\n', 'def f():\n    "new"\n'),
    "module docstring": ("def f(): pass\n", '"""New."""\ndef f(): pass\n'),
    "method's docstring": (
        'class f:\n    "a"\n    def g(self):\n        "b"\n        return 1\n',
        "class f:\n    def g(self):\n        return 1\n",
    ),
    "nested docstring": (
        'def f():\n    def g():\n        "a"\n        return 1\n    return g\n',
        'def f():\n    def g():\n        "b"\n        return 1\n    return g\n',
    ),
    "attribute's docstring": ('f = 1\n"""Old."""\n', 'f = 1\n"""New."""\n'),
    "formatting": (
        "def f(a, b): return {'a': a, 'b': (b)}\n",
        'def f(\n  a, b\n):\n  return {\n "a": a, "b": b, }\n',
    ),
    "line ends": ("def f():\n    return 1\n", "def f():\r\n    return 1\r\n"),
    "order of functions": (
        "def f(): return g() + h()\ndef g(): return 1\ndef h(): return 2\n",
        "def h(): return 2\ndef g(): return 1\ndef f(): return g() + h()\n",
    ),
    "order of classes": ("class f: pass\nclass g: pass\n", "class g: pass\nclass f: pass\n"),
    "order of other assignments": (
        "A = 1\nB = 2\ndef f(): return A, B\n",
        "B = 2\nA = 1\ndef f(): return A, B\n",
    ),
    "function out of reach": (
        "def f(): return 1\ndef g(): return 1\n",
        "def f(): return 1\ndef g(): return 2\n",
    ),
    "constant out of reach": ("A = 1\ndef f(): return 1\n", "A = 2\ndef f(): return 1\n"),
    "import out of reach": ("def f(): return 1\n", "import json\nfrom os import path\ndef f(): return 1\n"),
    "local variable named as a function": (
        "def f():\n    model = 1\n    return model\ndef model(): return 1\n",
        "def f():\n    model = 1\n    return model\ndef model(): return 2\n",
    ),
    "argument named as a function": (
        "def f(model): return [model for _ in (1,)]\ndef model(): return 1\n",
        "def f(model): return [model for _ in (1,)]\ndef model(): return 2\n",
    ),
    "main block": (
        "def f(): return 1\nif __name__ == '__main__': f()\n",
        "def f(): return 1\nif __name__ == '__main__': print(f())\n",
    ),
    "imports for type checking": (
        "def f(): return 1\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import json\ndef f(): return 1\n",
    ),
    "function moved past statements": (
        "if x:\n    A = 1\nprint(1)\nprint(2)\ndef f(): return A\n",
        "if x:\n    A = 1\ndef f(): return A\nprint(1)\nprint(2)\n",
    ),
    "pass": ("def f(): return 1\n", "pass\ndef f(): return 1\n"),
    "result of a variable called": (
        "make = int\nA = make(1)\ndef f(): return 1\n",
        "make = int\nA = make(2)\ndef f(): return 1\n",
    ),
    "something else decorated, with a local table": (
        "T = []\ndef d(g):\n    T = {}\n    T[0] = g\n@d\ndef g(): return 1\ndef f(): return T\n",
        "T = []\ndef d(g):\n    T = {}\n    T[0] = g\n@d\ndef g(): return 2\ndef f(): return T\n",
    ),
    "function that would change a constant": (
        "T = []\ndef g(): T.append(1)\ndef f(): return T\n",
        "T = []\ndef g(): T.append(2)\ndef f(): return T\n",
    ),
    "something else decorated, perhaps": (
        "try:\n    from a import d\nexcept ImportError:\n    d = str\n@d\ndef g(): return 1\ndef f(): return 1\n",
        "try:\n    from a import d\nexcept ImportError:\n    d = str\n@d\ndef g(): return 2\ndef f(): return 1\n",
    ),
    "something else decorated": (
        "def d(g): return g\ndef f(): return 1\n@d\ndef g(): return 1\n",
        "def d(g): return g\ndef f(): return 1\n@d\ndef g(): return 2\n",
    ),
}

DIFFERENT = {
    "body": ("def f(): return 1\n", "def f(): return 2\n"),
    "string that is no docstring": ("def f(): return 'a'\n", "def f(): return 'b'\n"),
    "default": ("def f(a=1): return a\n", "def f(a=2): return a\n"),
    "helper": ("def f(): return g()\ndef g(): return 1\n", "def f(): return g()\ndef g(): return 2\n"),
    "helper's helper": (
        "def f(): return g()\ndef g(): return h\nh = 1\n",
        "def f(): return g()\ndef g(): return h\nh = 2\n",
    ),
    "recursion": (
        "def f(n): return n and g(n)\ndef g(n): return f(n - 1)\n",
        "def f(n): return n and g(n)\ndef g(n): return f(n - 2)\n",
    ),
    "decorator": (
        "def d(g): return g\n@d\ndef f(): return 1\n",
        "def d(g): return g()\n@d\ndef f(): return 1\n",
    ),
    "decorator's argument": (
        "A = 1\n@d(A)\ndef f(): return 1\n",
        "A = 2\n@d(A)\ndef f(): return 1\n",
    ),
    "default's name": ("A = 1\ndef f(a=A): return a\n", "A = 2\ndef f(a=A): return a\n"),
    "field's annotation": (
        "A = int\nclass f:\n    a: A\n",
        "A = float\nclass f:\n    a: A\n",
    ),
    "base class": (
        "class B:\n    a = 1\nclass f(B): pass\n",
        "class B:\n    a = 2\nclass f(B): pass\n",
    ),
    "class attribute": ("class f:\n    a = 1\n", "class f:\n    a = 2\n"),
    "what a class body reads before it binds": (
        "a = 1\nclass f:\n    a = a\n",
        "a = 2\nclass f:\n    a = a\n",
    ),
    "method's helper": (
        "class f:\n    def m(self): return g()\ndef g(): return 1\n",
        "class f:\n    def m(self): return g()\ndef g(): return 2\n",
    ),
    "another method": (
        "class C:\n    def m(self): return 1\ndef f(): return C.n\n",
        "class C:\n    def m(self): return 2\ndef f(): return C.n\n",
    ),
    "nested function's helper": (
        "def f():\n    def n(): return g()\n    return n\ndef g(): return 1\n",
        "def f():\n    def n(): return g()\n    return n\ndef g(): return 2\n",
    ),
    "lambda's helper": ("f = lambda: g()\ndef g(): return 1\n", "f = lambda: g()\ndef g(): return 2\n"),
    "comprehension's source": (
        "def f(): return [xs for xs in xs]\nxs = [1]\n",
        "def f(): return [xs for xs in xs]\nxs = [2]\n",
    ),
    "formatted text": ("A = 1\ndef f(): return f'{A}'\n", "A = 2\ndef f(): return f'{A}'\n"),
    "global constant": ("A = 1\ndef f(): return A\n", "A = 2\ndef f(): return A\n"),
    "annotated constant": ("A: int = 1\ndef f(): return A\n", "A: int = 2\ndef f(): return A\n"),
    "constant unpacked": ("A, (B, *C) = g\ndef f(): return C\n", "A, (B, *C) = h\ndef f(): return C\n"),
    "constant bound in an expression": (
        "B = (A := 1)\ndef f(): return A\n",
        "B = (A := 2)\ndef f(): return A\n",
    ),
    "augmented assignment": (
        "A = 1\nA += 1\ndef f(): return A\n",
        "A = 1\nA += 2\ndef f(): return A\n",
    ),
    "order of assignments to one name": (
        "A = 1\nA += 1\nA *= 2\ndef f(): return A\n",
        "A = 1\nA *= 2\nA += 1\ndef f(): return A\n",
    ),
    "assignment moved past a later one": (
        "A = 1\nB = A\nA = 2\ndef f(): return B\n",
        "A = 1\nA = 2\nB = A\ndef f(): return B\n",
    ),
    "assignment moved past a statement": (
        "T = {}\nA = len(T)\nT['a'] = 1\ndef f(): return A\n",
        "T = {}\nT['a'] = 1\nA = len(T)\ndef f(): return A\n",
    ),
    "global statement": (
        "A = 0\ndef g():\n    global A\n    A = 1\ndef f(): return A\n",
        "A = 0\ndef g():\n    global A\n    A = 2\ndef f(): return A\n",
    ),
    "first of two definitions": (
        "def f(): return 1\ndef f(): return 0\n",
        "def f(): return 2\ndef f(): return 0\n",
    ),
    "last of two definitions": (
        "def f(): return 0\ndef f(): return 1\n",
        "def f(): return 0\ndef f(): return 2\n",
    ),
    "order of two definitions": (
        "def f(): return g()\ndef g(): return 1\ndef g(): return 2\n",
        "def f(): return g()\ndef g(): return 2\ndef g(): return 1\n",
    ),
    "call at module level": ("def f(): return 1\nprint(1)\n", "def f(): return 1\nprint(2)\n"),
    "item of a constant": (
        "T = {}\nT['a'] = 1\ndef f(): return T\n",
        "T = {}\nT['a'] = 2\ndef f(): return T\n",
    ),
    "constant appended to": (
        "T = []\nT.append(1)\ndef f(): return T\n",
        "T = []\nT.append(2)\ndef f(): return T\n",
    ),
    "constant changed in an assignment": (
        "T = {'a': 1}\n_ = T.pop('a')\ndef f(): return T\n",
        "T = {'a': 1}\n_ = T.pop('b')\ndef f(): return T\n",
    ),
    "function's attribute": (
        "def f(): return f.a\nf.a = 1\n",
        "def f(): return f.a\nf.a = 2\n",
    ),
    "helper of a statement": (
        "def f(): return 1\ndef g(): return 1\nprint(g())\n",
        "def f(): return 1\ndef g(): return 2\nprint(g())\n",
    ),
    "conditional definition": (
        "if x:\n    def g(): return 1\nelse:\n    def g(): return 2\ndef f(): return g()\n",
        "if x:\n    def g(): return 1\nelse:\n    def g(): return 3\ndef f(): return g()\n",
    ),
    "condition": ("if x:\n    A = 1\ndef f(): return A\n", "if y:\n    A = 1\ndef f(): return A\n"),
    "loop": ("for i in (1,): pass\ndef f(): return i\n", "for i in (2,): pass\ndef f(): return i\n"),
    "import that may fail": (
        "try:\n    import a\nexcept ImportError:\n    a = None\ndef f(): return a\n",
        "try:\n    import a\nexcept ImportError:\n    a = 1\ndef f(): return a\n",
    ),
    "deletion": ("A = 1\ndef f(): return 1\n", "A = 1\ndel A\ndef f(): return 1\n"),
    "view of the module": (
        "def f(n): return globals()[n]\ndef g(): return 1\n",
        "def f(n): return globals()[n]\ndef g(): return 2\n",
    ),
    "module finds itself": (
        "import sys\ndef f(n): return getattr(sys.modules[__name__], n)\ndef g(): return 1\n",
        "import sys\ndef f(n): return getattr(sys.modules[__name__], n)\ndef g(): return 2\n",
    ),
    "what a name is imported from": (
        "from os import path as p\ndef f(): return p\n",
        "from json import path as p\ndef f(): return p\n",
    ),
    "function registered by a decorator": (
        "T = {}\ndef add(g):\n    T[0] = g\n    return g\n@add\ndef g(): return 1\ndef f(): return T[0]()\n",
        "T = {}\ndef add(g):\n    T[0] = g\n    return g\n@add\ndef g(): return 2\ndef f(): return T[0]()\n",
    ),
    "function registered by replacing a constant": (
        "T = 0\ndef add(g):\n    global T\n    T = g\n@add\ndef g(): return 1\ndef f(): return T\n",
        "T = 0\ndef add(g):\n    global T\n    T = g\n@add\ndef g(): return 2\ndef f(): return T\n",
    ),
    "constant changed beside an assignment": (
        "T = {}\nA, T[0] = 1, 2\ndef f(): return T\n",
        "T = {}\nA, T[0] = 1, 3\ndef f(): return T\n",
    ),
    "other than main": (
        "if __name__ == '__main__': pass\nelse: A = 1\ndef f(): return A\n",
        "if __name__ == '__main__': pass\nelse: A = 2\ndef f(): return A\n",
    ),
    "other than type checking": (
        "if TYPE_CHECKING: import a\nelse: A = 1\ndef f(): return A\n",
        "if TYPE_CHECKING: import a\nelse: A = 2\ndef f(): return A\n",
    ),
    "helper in a condition's body": (
        "if x:\n    A = g()\ndef f(): return 1\ndef g(): return 1\n",
        "if x:\n    A = g()\ndef f(): return 1\ndef g(): return 2\n",
    ),
    "function registered by an object": (
        "T = Registry()\n@T.register('g')\ndef g(): return 1\ndef f(): return T['g']()\n",
        "T = Registry()\n@T.register('g')\ndef g(): return 2\ndef f(): return T['g']()\n",
    ),
    "function registered by a call": (
        "T = []\ndef add(g): T.append(g)\nA = add(1)\ndef f(): return T\n",
        "T = []\ndef add(g): T.append(g)\nA = add(2)\ndef f(): return T\n",
    ),
    "subclass registered": (
        "class B:\n    def __init_subclass__(cls): T.add(cls)\nclass C(B):\n    a = 1\ndef f(): return B\n",
        "class B:\n    def __init_subclass__(cls): T.add(cls)\nclass C(B):\n    a = 2\ndef f(): return B\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), SAME.values(), ids=SAME)
def test_edit_without_effect(before: str, after: str, write: Write) -> None:
    assert code_digest(["m:f"], [write({"m.py": before})]) == code_digest(["m:f"], [write({"m.py": after})])


@pytest.mark.parametrize(("before", "after"), DIFFERENT.values(), ids=DIFFERENT)
def test_edit_with_effect(before: str, after: str, write: Write) -> None:
    assert code_digest(["m:f"], [write({"m.py": before})]) != code_digest(["m:f"], [write({"m.py": after})])


HELPERS: Files = {
    "pack/__init__.py": "from .one import good as renamed\nfrom . import two\n",
    "pack/one.py": "from .two import deep\ndef good(): return deep()\ndef bad(): return 1\n",
    "pack/two.py": "def deep(): return 1\ndef other(): return 2\nclass Kind: pass\n",
    "pack/sub/__init__.py": "",
    "pack/sub/three.py": "from ..two import other\nfrom .. import one as first\n"
    "def up(): return other()\ndef side(): return first.bad()\n",
    "bare/leaf.py": "def f(): return 1\ndef g(): return 2\n",
    "bare/json/leaf.py": "def f(): return 3\n",
    "star.py": "from pack.two import *\ndef own(): return deep()\n",
    "lazy.py": "def __getattr__(name): return hidden\ndef hidden(): return 1\ndef seen(): return 2\n",
    "maybe.py": "if x:\n    def g(): return 1\ndef h(): return 2\n",
    "ring.py": "from m import f\ndef back(): return f()\ndef alone(): return 1\n",
}

# A module that is entered at `f`, and all that `f` reaches besides itself.
REACHED = {
    "from": ("from pack.two import deep\ndef f(): return deep()", ["pack.two:deep"]),
    "from, renamed": ("from pack.two import deep as d\ndef f(): return d()", ["pack.two:deep"]),
    "module renamed": ("import pack.two as t\ndef f(): return t.deep()", ["pack.two:deep"]),
    "dotted module": ("import pack.two\ndef f(): return pack.two.deep()", ["pack.two:deep"]),
    "submodule": ("from pack import two\ndef f(): return two.deep()", ["pack.two:deep"]),
    "submodule of a package": ("import pack\ndef f(): return pack.two.deep()", ["pack.two:deep"]),
    "submodule, silent package": (
        "from pack import sub\ndef f(): return sub.three.up()",
        ["pack.sub.three:up", "pack.two:other"],
    ),
    "re-export": ("from pack import renamed\ndef f(): return renamed()", ["pack.one:good", "pack.two:deep"]),
    "re-export by chain": ("import pack\ndef f(): return pack.renamed()", ["pack.one:good", "pack.two:deep"]),
    "import of an import": ("from pack.one import deep\ndef f(): return deep()", ["pack.two:deep"]),
    "relative, up": (
        "from pack.sub import three\ndef f(): three.side()",
        ["pack.one:bad", "pack.sub.three:side"],
    ),
    "within a function": ("def f():\n    from pack.two import deep\n    return deep()", ["pack.two:deep"]),
    "module within a function": (
        "def f():\n    import pack.two as t\n    return t.deep()",
        ["pack.two:deep"],
    ),
    "within a method": (
        "class f:\n    def m(self):\n        from pack import two\n        return two.deep",
        ["pack.two:deep"],
    ),
    "attribute of a class": ("from pack import two\ndef f(): return two.Kind.x.y", ["pack.two:Kind"]),
    "package without __init__": ("from bare import leaf\ndef f(): return leaf.f()", ["bare.leaf:f"]),
    "package named as one of Python's": (
        "from bare.json.leaf import f as g\ndef f(): return g()",
        ["bare.json.leaf:f"],
    ),
    "package that is not there": ("from absent.star import own\ndef f(): return own()", []),
    "both ways": ("import ring\ndef f(): return ring.back()", ["ring:back"]),
    "type checking": (
        "import typing as t\nif t.TYPE_CHECKING:\n    from pack.two import Kind\ndef f(k: Kind): pass",
        ["pack.two:Kind"],
    ),
    "unused": ("from pack.two import deep\ndef f(): return 1", []),
    "star": (
        "from pack.two import *\ndef f(): return deep()",
        ["pack.two:Kind", "pack.two:deep", "pack.two:other"],
    ),
    "star of a star": (
        "import star\ndef f(): return star.own()",
        ["pack.two:Kind", "pack.two:deep", "pack.two:other", "star:own"],
    ),
    "module as a value": (
        "from bare import leaf\ndef f(): return g(leaf)\ndef g(module): return module.f()",
        ["bare.leaf:f", "bare.leaf:g", "m:g"],
    ),
    "getattr on a module": (
        "import bare.leaf\ndef f(name): return getattr(bare.leaf, name)",
        ["bare.leaf:f", "bare.leaf:g"],
    ),
    "getattr on a package": (
        "import pack\ndef f(name): return getattr(pack, name)",
        ["pack.one:good", "pack.two:Kind", "pack.two:deep", "pack.two:other"],
    ),
    "module in a table": (
        "from bare import leaf\nT = {1: leaf}\ndef f(): T",
        ["bare.leaf:f", "bare.leaf:g", "m:T"],
    ),
    "module's __getattr__": (
        "import lazy\ndef f(): return lazy.anything",
        ["lazy:__getattr__", "lazy:hidden", "lazy:seen"],
    ),
    "known name beside __getattr__": ("import lazy\ndef f(): return lazy.seen", ["lazy:seen"]),
    "import by literal name": (
        "import importlib\ndef f(): return importlib.import_module('bare.leaf').f()",
        ["bare.leaf:f", "bare.leaf:g"],
    ),
    "installed packages": (
        "import json, numpy as np\nfrom yaml import safe_load\ndef f(): return json.loads, np.sum, safe_load",
        [],
    ),
    "conditional import": (
        "try:\n    from pack.two import deep\nexcept ImportError:\n    from pack.one import bad as deep\n"
        "def f(): return deep()",
        ["m:<module>", "pack.one:bad", "pack.two:deep"],
    ),
    "conditional definition": ("import maybe\ndef f(): return maybe.g()", ["maybe:<module>"]),
    "module-level statement": ("def g(): pass\ndef f(): pass\ng()", ["m:<module>", "m:g"]),
    "the project's own": (
        "from limbeck.errors import UserError\ndef f(): raise UserError",
        ["limbeck.errors:UserError"],
    ),
}


@pytest.mark.parametrize(("source", "expected"), REACHED.values(), ids=REACHED)
def test_reach_through_imports(source: str, expected: list[str], write: Write) -> None:
    folder = write({**HELPERS, "m.py": source})
    assert dependencies(["m:f"], [folder]) == sorted([*expected, "m:f"])


def test_statements_of_an_imported_module_count(write: Write) -> None:
    """They are part of each definition of their own module, in whatever way it is reached."""
    files = {
        "m.py": "from h import g\ndef f(): return g()\n",
        "h.py": "T = {}\nT['a'] = 1\ndef g(): return T\n",
    }
    other = edited(files, "h.py", "= 1", "= 2")
    assert dependencies(["m:f"], [write(files)]) == ["h:<module>", "h:T", "h:g", "m:f"]
    assert code_digest(["m:f"], [write(files)]) != code_digest(["m:f"], [write(other)])


def test_statements_of_a_module_that_passes_a_name_on_count(write: Write) -> None:
    files = {
        "m.py": "from pack import g\ndef f(): return g()\n",
        "pack/__init__.py": "from .one import g\ng.scale = 1\n",
        "pack/one.py": "def g(): return g.scale\n",
    }
    other = edited(files, "pack/__init__.py", "= 1", "= 2")
    assert code_digest(["m:f"], [write(files)]) != code_digest(["m:f"], [write(other)])


def test_lines_before_a_use_of_a_name_bound_twice_elsewhere(write: Write) -> None:
    files = {"m.py": "from h import g\ndef f(): return g\n", "h.py": "\n\n\ng = 1\ng += 1\n"}
    other = {**files, "m.py": "#\n" * 9 + files["m.py"]}
    assert code_digest(["m:f"], [write(files)]) == code_digest(["m:f"], [write(other)])


@pytest.mark.parametrize("name", ["json", "yaml"])
def test_data_folder_named_as_a_package_hides_no_package(name: str, write: Write) -> None:
    files = {"m.py": f"import {name}\ndef f(): return {name}.load\n"}
    other = {**files, f"{name}/table.csv": "1,2\n"}
    assert code_digest(["m:f"], [write(files)]) == code_digest(["m:f"], [write(other)])


def test_registration_in_modules_imported_for_their_effect(write: Write) -> None:
    files = {
        "m.py": "from nets.registry import get\ndef f(): return get('a')\n",
        "nets/__init__.py": "from . import a\n",
        "nets/registry.py": "T = {}\ndef add(g):\n    T['a'] = g\n    return g\ndef get(n): return T[n]\n",
        "nets/a.py": "from nets.registry import add\n@add\ndef a(): return 1\ndef unused(): return 1\n",
    }
    one, registered, unregistered = (
        code_digest(["m:f"], [write(some)])
        for some in (
            files,
            edited(files, "nets/a.py", "a(): return 1", "a(): return 2"),
            edited(files, "nets/a.py", "unused(): return 1", "unused(): return 2"),
        )
    )
    assert registered != one
    assert unregistered == one


def test_swapped_imports_are_seen(write: Write) -> None:
    """The same definitions are reached, but the names stand for others."""
    files = {
        "m.py": "from a import g as p\nfrom b import g as q\ndef f(): return p() - q()\n",
        "a.py": "def g(): return 1\n",
        "b.py": "def g(): return 2\n",
    }
    swapped = {**files, "m.py": "from b import g as p\nfrom a import g as q\ndef f(): return p() - q()\n"}
    assert dependencies(["m:f"], [write(files)]) == dependencies(["m:f"], [write(swapped)])
    assert code_digest(["m:f"], [write(files)]) != code_digest(["m:f"], [write(swapped)])


def test_where_the_walk_starts_counts(write: Write) -> None:
    folder = write({"m.py": "def f(): return g()\ndef g(): return f()\nclass C:\n    a = b = 1\n"})
    roots = (["m:f"], ["m:g"], ["m"], ["m:C.a"], ["m:C.b"], ["m:f", "m:g"])
    assert len({code_digest(some, [folder]) for some in roots}) == len(roots)
    assert code_digest(["m:f", "m:g"], [folder]) == code_digest(["m:g", "m:f", "m:g"], [folder])
    assert dependencies(["m:C.a"], [folder]) == ["m:C"]


def test_root_that_is_imported_where_it_is_named(write: Write) -> None:
    assert dependencies(["pack:renamed"], [write(HELPERS)]) == ["pack.one:good", "pack.two:deep"]


def test_whole_module(write: Write) -> None:
    folder = write({"m.py": "import h\nA = 1\ndef f(): return h.g\nif __name__ == '__main__': f()\n", **HELPERS})
    assert dependencies(["m"], [folder, write({"h.py": "def g(): pass\ndef i(): pass\n"})]) == [
        "h:g",
        "m:A",
        "m:__main__",
        "m:f",
    ]


@pytest.mark.parametrize("root", ["nowhere", "nowhere:f", "m:absent", "m.f:f", "numpy:sum", "json"])
def test_root_that_does_not_exist(root: str, write: Write) -> None:
    with pytest.raises(TaskError, match=re.escape(root)):
        code_digest([root], [write({"m.py": "def f(): pass\n"})])


@pytest.mark.parametrize(
    ("source", "line"), [("def g():\n    return (\n", 2), ("x = 1\ny = = 2\n", 2), ("x = '\0'", 1)]
)
def test_file_that_is_not_python(source: str, line: int, write: Write) -> None:
    folder = write({"m.py": "import h\ndef f(): return h.g()\n", "h.py": source})
    with pytest.raises(TaskError) as caught:
        code_digest(["m:f"], [folder])
    assert str(Path(folder) / "h.py") in str(caught.value)
    assert f"line {line}:" in str(caught.value)


def test_installed_packages_on_the_search_path_are_not_followed(write: Write) -> None:
    packages = str(Path(pytest.__file__).parents[1])
    folder = write({"m.py": "import json, pytest\ndef f(): return json.load, pytest.main\n"})
    assert dependencies(["m:f"], [folder, packages, sysconfig.get_path("stdlib")]) == ["m:f"]


def run(code: str, **environment: str) -> str:
    """What `code` prints in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "PYTHONPATH": f"{ROOT}:{environment.get('PYTHONPATH', '')}"},
    ).stdout


def test_version_of_an_installed_package_counts(write: Write) -> None:
    folder = write({"m.py": "import widget\ndef f(): return widget.turn()\n"})

    def with_version(version: str, listed: bool) -> str:
        information = f"site-packages/widget_maker-{version}.dist-info"
        installed = write(
            {
                "site-packages/widget/__init__.py": f"def turn(): return {version!r}\n",
                f"{information}/METADATA": f"Metadata-Version: 2.1\nName: widget-maker\nVersion: {version}\n",
                f"{information}/RECORD": "widget/__init__.py,,\n",
                **({f"{information}/top_level.txt": "widget\n"} if listed else {}),
            }
        )
        code = f"from limbeck.digests.code import code_digest; print(code_digest(['m:f'], [{folder!r}]))"
        return run(code, PYTHONPATH=f"{installed}/site-packages")

    first = with_version("1.0", listed=True)
    assert with_version("1.0", listed=False) == first
    assert with_version("1.1", listed=True) != first


def test_same_in_every_process_and_without_tensorflow(write: Write) -> None:
    folder = write({"m.py": "from limbeck.trainer.worker import *\ndef f(): return {main, 'a', 'b'}\n"})
    code = (
        "import sys; from limbeck.digests.code import code_digest; "
        f"print(code_digest(['m', 'limbeck.task:Task'], [{folder!r}])); assert 'tensorflow' not in sys.modules"
    )
    assert len({run(code, PYTHONHASHSEED=seed) for seed in ("0", "1", "2")}) == 1


def test_each_file_of_the_project_is_parsed_once() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("trainer/**/*.py")]
    source_module.parse.cache_clear()
    code_digest([module.removesuffix(".__init__") for module in modules])
    parsed = source_module.parse.cache_info()
    assert len(modules) < parsed.misses == parsed.currsize


TASK = """
    import functools
    from limbeck.task import Feature, Label, Task
    from helpers import mix

    WIDTH = 1
    COUNTS = {"teacher": 2}
    SCALE = 3.0

    def shared(x):
        return x + 4

    def write_data(folder):
        (folder / "data").write_text("5")

    def preprocess(inputs):
        return {"x": inputs["x"] * SCALE}

    def shift(inputs, seeds):
        return inputs + 6

    def layers(count):
        return [shared(7)] * count

    def build_teacher(hyperparameters):
        return mix.teacher(layers(COUNTS["teacher"]))

    def descend(schedule):
        return schedule, 20

    def narrow(x):
        for step in range(8):
            x = x * 9
        return x

    def build_student(hyperparameters):
        teacher = hyperparameters.get("width", 10)
        if teacher > 11:
            teacher = narrow(12)
        layers = [mix.student(13)]
        layers += [shared(WIDTH + 14)]
        return layers, teacher, 15

    TASK = Task(
        name="example",
        features=(Feature("x", shape=(16,)),),
        label=Label("y", ("no", "yes")),
        preprocessing_fn=preprocess,
        build_teacher=build_teacher,
        build_student=build_student,
        augment=shift,
        build_optimizer=descend,
        write_data=write_data,
    )
"""
MIX = """
    def base(x):
        return x + 17

    def teacher(x):
        return base(x) + 18

    def student(x):
        return x + 19
"""
TASK_FILES: Files = {"example.py": TASK, "helpers/__init__.py": "", "helpers/mix.py": MIX}

# Every number above, and the parts that depend on it.
NUMBERS = {
    **{number: {"student"} for number in (1, *range(8, 16), 19)},
    **{number: {"teacher"} for number in (2, 6, 7, 17, 18)},
    **{number: {"preprocessing"} for number in (3, 16)},
    **{number: {"teacher", "student"} for number in (4, 20)},
    5: {"data"},
}


def changed(before: TaskDigests, after: TaskDigests) -> set[str]:
    return {part for part in PARTS if getattr(before, part) != getattr(after, part)}


@pytest.mark.parametrize("number", NUMBERS)
def test_edit_of_one_number_changes_exactly_its_parts(number: int, write: Write, load: Callable) -> None:
    file = "helpers/mix.py" if 16 < number < 20 else "example.py"
    [old] = re.findall(rf"\b{number}\b.*\n", textwrap.dedent(TASK_FILES[file]))
    after = edited(TASK_FILES, file, old, old.replace(str(number), f"{number}0", 1))
    parts = [task_digests(*load(write(files))) for files in (TASK_FILES, after)]
    assert changed(*parts) == NUMBERS[number]


def student_edits() -> Iterator[tuple[str, str]]:
    """Every line of the student's functions, left out or written twice, as far as the result is Python."""
    lines = textwrap.dedent(TASK).splitlines()
    first, last = lines.index("def narrow(x):"), lines.index("TASK = Task(")
    for index in range(first, last):
        for name, replacement in (("without", []), ("twice", [lines[index]] * 2)):
            text = "\n".join([*lines[:index], *replacement, *lines[index + 1 :]])
            try:
                tree = ast.parse(text)
            except SyntaxError:
                continue
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            if lines[index] and functions >= {"narrow", "build_student"}:
                yield f"{name} line {index}", text


def test_edit_of_one_line_of_the_student_changes_exactly_the_student(write: Write, load: Callable) -> None:
    before = task_digests(*load(write(TASK_FILES)))
    edits = dict(student_edits())
    assert len(edits) >= 10
    for edit, text in edits.items():
        after = task_digests(*load(write({**TASK_FILES, "example.py": text})))
        assert changed(before, after) == {"student"}, edit


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('Feature("x", shape', 'Feature("x", "integer", shape', {"preprocessing"}),
        ('"no", "yes"', '"yes", "no"', {"preprocessing"}),
        ("augment=shift,\n", "", {"teacher"}),
        ("build_optimizer=descend,\n", "", {"teacher", "student"}),
        ("build_optimizer=descend,\n", "build_optimizer=descend, metrics=descend,\n", {"teacher", "student"}),
        ("augment=shift,\n", "augment=shift, initialise_student=shift,\n", {"student"}),
        ("build_student=build_student", "build_student=narrow", {"student"}),
        ("build_student=build_student", "build_student=lambda h: build_student(h)", {"student"}),
        ('name="example"', 'name="other"', set()),
        ("def narrow(x):\n", 'def narrow(x):\n    """Narrow."""  # it is\n', set()),
    ],
)
def test_edit_of_the_task_itself(old: str, new: str, parts: set[str], write: Write, load: Callable) -> None:
    after = edited(TASK_FILES, "example.py", old, new)
    assert changed(*(task_digests(*load(write(files))) for files in (TASK_FILES, after))) == parts


# How a task may come by its student; then an edit that must change it, and one that must not change it.
LIVE = {
    "partial": ("functools.partial(net, depth=1)", "depth=1", "depth=2", True),
    "partial of a partial": ("functools.partial(functools.partial(net, 1), 2)", "net, 1", "net, 3", True),
    "partial's function": ("functools.partial(net, depth=1)", "+ 21", "+ 0", True),
    "partial's argument": ("functools.partial(net, depth=other)", "+ 22", "+ 0", True),
    "partial, other function": ("functools.partial(net, depth=1)", "+ 22", "+ 0", False),
    "partial's table": ("functools.partial(net, depth={'a': [other]})", "+ 22", "+ 0", True),
    "partial's instance": ("functools.partial(net, depth=Size(1))", "Size(1)", "Size(2)", True),
    "partial's class": ("functools.partial(net, depth=Size(1))", "+ 23", "+ 0", True),
    "partial's choice": ("functools.partial(net, depth=Choice.A)", "Choice.A", "Choice.B", True),
    "partial's foreign object": ("functools.partial(net, depth=fractions.Fraction(1))", "n(1)", "n(2)", True),
    "closure": ("make(1)", "make(1)", "make(2)", True),
    "closure's definition": ("make(1)", "+ 24", "+ 0", True),
    "closure over a function": ("make(other)", "+ 22", "+ 0", True),
    "closure's default": ("remember(1)", "remember(1)", "remember(2)", True),
    "closure over itself": ("again(1)", "again(1)", "again(2)", True),
    "wrapped": ("timed(net)", "+ 21", "+ 0", True),
    "wrapper": ("timed(net)", "+ 25", "+ 0", True),
    "wrapped, other function": ("timed(net)", "+ 22", "+ 0", False),
    "cached": ("functools.lru_cache(net)", "+ 21", "+ 0", True),
    "decorated": ("decorated", "+ 25", "+ 0", True),
    "decorated, inside": ("decorated", "+ 26", "+ 0", True),
    "lambda": ("lambda h: net(h)", "+ 21", "+ 0", True),
    "lambda takes the module": ("lambda h: net(h)", "+ 22", "+ 0", True),
    "class": ("Size", "+ 23", "+ 0", True),
    "instance": ("Size(1)", "Size(1)", "Size(2)", True),
    "method": ("Size(1).run", "Size(1)", "Size(2)", True),
    "method's class": ("Size(1).run", "+ 23", "+ 0", True),
}
LIVE_HELPERS = """
import enum
import fractions

class Choice(enum.Enum):
    A, B = 1, 2

class Size:
    def __init__(self, size): self.size = size
    def run(self, h): return h + 23
    def __call__(self, h): return self.run(h)

def net(h, depth=0, more=0): return h + 21

def other(h): return h + 22

def make(depth):
    def build(h): return h + depth + 24
    return build

def remember(depth):
    def build(h, depth=depth): return h + depth
    return build

def again(depth):
    def build(h): return build(h - depth)
    return build

def timed(function):
    @functools.wraps(function)
    def run(h): return function(h) + 25
    return run

@timed
def decorated(h): return h + 26

"""


@pytest.mark.parametrize("case", LIVE.values(), ids=LIVE)
def test_student_as_a_live_object(case: tuple[str, str, str, bool], write: Write, load: Callable) -> None:
    expression, old, new, expected = case
    text = textwrap.dedent(TASK).replace("TASK = Task", LIVE_HELPERS + "TASK = Task")
    text = text.replace("build_student=build_student", f"build_student={expression}")
    files = {**TASK_FILES, "example.py": text}
    after = edited(files, "example.py", old, new)
    first, again, second = (task_digests(*load(write(some))) for some in (files, files, after))
    assert first == again
    assert changed(first, second) == ({"student"} if expected else set())


def test_module_bound_to_the_student_counts_whole(write: Write, load: Callable) -> None:
    bound = edited(TASK_FILES, "example.py", "=build_student", "=functools.partial(narrow, mix)")
    after = edited(bound, "helpers/mix.py", "+ 19", "+ 0")
    assert changed(*(task_digests(*load(write(files))) for files in (bound, after))) == {"student"}


def test_task_found_without_a_search_path(write: Write, load: Callable) -> None:
    """It may lie in a folder of the user's that only the interpreter knows."""
    after = edited(TASK_FILES, "helpers/mix.py", "+ 19", "+ 0")
    parts = []
    for files in (TASK_FILES, after):
        folder = write(files)
        task, ref = load(folder)
        parts.append(task_digests(task, TaskRef(module=ref.module)))
        assert parts[-1] == task_digests(task, ref)
    assert changed(*parts) == {"student"}


def test_digests_cross_as_json(write: Write, load: Callable) -> None:
    digests = task_digests(*load(write(TASK_FILES)))
    assert from_json(TaskDigests, to_json(digests)) == digests
    assert list(TypeAdapter(TaskDigests).dump_python(digests)) == list(PARTS)
    assert len({*TypeAdapter(TaskDigests).dump_python(digests).values()}) == len(PARTS)


def test_several_digests_of_one_reading_are_those_of_a_reading_each() -> None:
    roots = [
        ["limbeck.trainer.worker:main"],
        ["limbeck.components.gate.executor:Executor"],
        ["limbeck.trainer.data.packing", "limbeck.errors:UserError"],
    ]
    alone = [code_digest(some) for some in roots]
    together, backwards = Project(), Project()
    assert [code_digest(some, project=together) for some in roots] == alone
    assert [code_digest(some, project=backwards) for some in reversed(roots)] == alone[::-1]
