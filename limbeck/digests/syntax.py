"""Reads names out of Python's syntax trees: what a piece of source binds, uses, calls, changes and imports.

The nodes of a tree do not show this directly: `np.linalg.norm` is three nodes, `x[0] = 1` changes `x` without binding
it, and a call can import a module by a string. Here a small pure function of the tree answers each question.
"""

from __future__ import annotations

import ast
import functools
import symtable
from collections.abc import Iterator
from typing import NamedTuple

# A dotted name split into its parts: `np.linalg.norm` is ("np", "linalg", "norm").
NameChain = tuple[str, ...]

# The name under which `if __name__ == "__main__":` is kept: importing the module does not run it.
_MAIN = "__main__"

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
IMPORTS = (ast.Import, ast.ImportFrom)
_IMPORTERS = frozenset({"import_module", "__import__"})
_MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "register", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)


class Import(NamedTuple):
    """One name bound by an import.

    Attributes:
      name: the name that is bound; `*` for a star import.
      module: absolute dotted name of the module that the name stands for, or is taken from.
      chain: the attributes that are taken from the module; empty if the name stands for the module itself.
      runs: the module whose body the import runs.
    """

    name: str
    module: str
    chain: NameChain
    runs: str


@functools.lru_cache(maxsize=4)
def nodes_of(root: ast.AST) -> tuple[ast.AST, ...]:
    """Returns a tree's nodes, without those that only say how a name is used (`ast.Load`).

    A dozen functions in a row need all nodes of a statement. When each of them called `ast.walk`, this took half of the
    time of a digest. So the last results are cached.
    """
    found = [root]
    for node in found:
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                found += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST) and field != "ctx":
                found.append(value)
    return tuple(found)


def remove_docstrings(tree: ast.AST) -> None:
    """Removes every statement of `tree` that is only a text: docstrings, and texts that serve as comments."""
    for node in nodes_of(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body:
                kept = [s for s in body if not _is_text(s)]
                setattr(node, field, kept or ([] if isinstance(node, ast.Module) else [ast.Pass()]))


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def outer_names(scope: symtable.SymbolTable) -> set[str]:
    """Returns the names that `scope` takes from its module. A class body may read a name before it binds it."""
    whole = scope.get_type() == "class"
    names = {symbol.get_name() for symbol in scope.get_symbols() if whole or symbol.is_global()}
    return names.union(*(outer_names(child) for child in scope.get_children()))


def bound_names(node: ast.stmt) -> set[str]:
    """Returns the names that a statement binds; empty for a statement that may do anything to any name."""
    if isinstance(node, DEFINITIONS):
        written = (n.names for n in nodes_of(node) if isinstance(n, ast.Global))
        return {node.name}.union(*written)
    if isinstance(node, ASSIGNMENTS) and not any(_is_place(n) for n in nodes_of(node)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return stored_names(*targets, *(n.target for n in nodes_of(node) if isinstance(n, ast.NamedExpr)))
    if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'" and not node.orelse:
        return {_MAIN}
    return set()


def stored_names(*nodes: ast.AST) -> set[str]:
    """Returns all names that are stored to within the nodes, and the names of all functions and classes there."""
    inner = [n for node in nodes for n in nodes_of(node)]
    names = {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names | {n.name for n in inner if isinstance(n, DEFINITIONS)}


def _is_place(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)


def changed_names(node: ast.AST) -> Iterator[str]:
    """Yields the names of objects that the code in `node` may change in place."""
    for inner in nodes_of(node):
        if _is_place(inner) or (isinstance(inner, ast.Attribute) and inner.attr in _MUTATORS):
            yield from root_chain(inner)[:1]
        elif isinstance(inner, ast.Global):
            yield from inner.names


def called_chains(node: ast.stmt) -> Iterator[NameChain]:
    """Yields what is called while the statement runs. The body of a function or class is not read."""
    if isinstance(node, DEFINITIONS):
        heads = [*node.decorator_list, *(node.bases if isinstance(node, ast.ClassDef) else ())]
    else:
        heads = [n.func for n in nodes_of(node) if isinstance(n, ast.Call)]
    yield from filter(None, map(root_chain, heads))


def root_chain(node: ast.AST) -> NameChain:
    """Returns the chain at the start of an expression, before calls and subscripts; empty if it starts with no name."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript | ast.Call):
            names.clear()
            node = node.func if isinstance(node, ast.Call) else node.value
        elif isinstance(node, ast.Name):
            return (node.id, *reversed(names))
        else:
            return ()


def chains(*nodes: ast.AST) -> Iterator[NameChain]:
    """Yields the chains of names and attributes that are read or stored within the nodes."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        head, names = node, []
        while isinstance(head, ast.Attribute):
            names.append(head.attr)
            head = head.value
        if isinstance(head, ast.Name):
            yield (head.id, *reversed(names))
        else:
            pending.extend(ast.iter_child_nodes(node))


def imports(node: ast.AST, parent: str) -> Iterator[Import]:
    """Yields what an import statement imports; nothing for any other node. `parent` is the package of the module."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.name if alias.asname else alias.name.partition(".")[0]
            yield Import(alias.asname or bound, bound, (), alias.name)
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(node.module or "", node.level, parent)
        for alias in node.names:
            chain = () if alias.name == "*" else (alias.name,)
            yield Import(alias.asname or alias.name, module, chain, module)


def imports_by_text(node: ast.AST, parent: str) -> Iterator[Import]:
    """Yields modules imported by a literal name: `importlib.import_module("a.b")`. What is taken is unknown."""
    for call in nodes_of(node):
        if isinstance(call, ast.Call) and _IMPORTERS.intersection(root_chain(call.func)):
            text = next((a.value for a in call.args[:1] if isinstance(a, ast.Constant)), None)
            if isinstance(text, str) and text:
                name = text.lstrip(".")
                module = _absolute(name, len(text) - len(name), parent)
                yield Import("*", module, (), module)


def _absolute(module: str, level: int, parent: str) -> str:
    if not level:
        return module
    base = parent.split(".")[: len(parent.split(".")) - level + 1]
    return ".".join([*base, module] if module else base)
