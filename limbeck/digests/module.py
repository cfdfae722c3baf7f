"""Splits one source file into its module-level statements, without importing it.

A hash of the whole file is simple, but too coarse: in a task of one file, an edit of the student would train the
teacher again. So the unit is the statement at module level: a function, a class, an assignment. Each statement knows
which names it binds, which outer names it uses, and its text without comments, docstrings and formatting. Any other
statement (a call, an `if`, a loop) may do anything to any name, so it belongs to every definition of its module.
"""

from __future__ import annotations

import ast
import functools
import symtable
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from limbeck.errors import TaskError

# A dotted name split into its parts: `np.linalg.norm` is ("np", "linalg", "norm").
Chain = tuple[str, ...]

# The name under which `if __name__ == "__main__":` is kept: importing the module does not run it.
MAIN = "__main__"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_IMPORTS = (ast.Import, ast.ImportFrom)
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
    chain: Chain
    runs: str


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement at module level.

    Attributes:
      binds: names that it binds; empty for a statement that belongs to every definition of its module.
      definition: whether it is a function or a class. Its body runs later than the statement itself.
      text: its syntax tree, without docstrings and positions.
      line: its first line, decorators included, from 1.
      end: its last line.
      rank: for an assignment, the number of earlier statements that belong to every definition; otherwise 0.
      uses: chains that start at a name which is not local to a function within it.
      calls: chains that are called while the module is imported.
      changes: names of objects that it may change in place.
      imports: its own imports, also those in function bodies.
      hooks: whether it is a class with an `__init_subclass__`.
      texts: its string literals, without docstrings.
    """

    binds: frozenset[str]
    definition: bool
    text: str
    line: int
    end: int
    rank: int
    uses: frozenset[Chain]
    calls: frozenset[Chain]
    changes: frozenset[str]
    imports: tuple[Import, ...]
    hooks: bool
    texts: frozenset[str]


@dataclass(frozen=True, eq=False)
class Module:
    """One source file.

    Attributes:
      name: absolute dotted name.
      statements: the statements that belong to every definition, in order.
      bindings: the other statements, in order, by each name that they bind.
      imports: import statements at module level, with one entry for each name.
      loose: names that `statements` bind.
    """

    name: str
    statements: tuple[Statement, ...]
    bindings: Mapping[str, tuple[Statement, ...]]
    imports: tuple[Import, ...]
    loose: frozenset[str]

    @functools.cached_property
    def unused(self) -> tuple[Import, ...]:
        """Imports that no statement uses: they are there for their side effect, or to pass a name on."""
        every = [*self.statements, *(s for some in self.bindings.values() for s in some)]
        used = {chain[0] for statement in every for chain in statement.uses}
        return tuple(i for i in self.imports if i.name not in used and i.name != "*")

    def enclosing(self, line: int) -> str | None:
        """Returns a name that the statement at `line` binds, or None if no such statement is there."""
        for name, statements in self.bindings.items():
            if any(statement.line <= line <= statement.end for statement in statements):
                return name
        return None


@functools.lru_cache(maxsize=1024)
def parse(source: bytes, name: str, package: bool, file: str) -> Module:
    """Splits one source file into statements.

    Args:
      source: the content of the file.
      name: absolute dotted name of the module.
      package: whether the file is an `__init__.py`.
      file: name of the file, for messages only.

    Raises:
      TaskError: if the file is not Python.
    """
    try:
        tree = ast.parse(source)
        scopes = symtable.symtable(source, file, "exec").get_children()  # type: ignore[arg-type]
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = getattr(error, "msg", None) or error
        raise TaskError(
            f"{file}, line {line}: a source file must be Python, but: {reason}. Correct the file"
        ) from None
    _remove_docstrings(tree)
    parent = name if package else name.rpartition(".")[0]
    imports: list[Import] = []
    statements: list[Statement] = []
    loose: set[str] = set()
    bindings = defaultdict(list)
    for node in _top_level(tree.body):
        if isinstance(node, _IMPORTS):
            imports.extend(_imported(node, parent))
            continue
        statement = _statement(node, parent, scopes, len(statements))
        for bound in statement.binds:
            bindings[bound].append(statement)
        if not statement.binds:
            statements.append(statement)
            imports.extend(statement.imports)
            loose |= _stored(node)
    return Module(
        name,
        tuple(statements),
        {bound: tuple(some) for bound, some in bindings.items()},
        tuple(imports),
        frozenset(loose),
    )


def _remove_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body:
                kept = [s for s in body if not _is_text(s)]
                setattr(node, field, kept or ([] if isinstance(node, ast.Module) else [ast.Pass()]))


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and not node.orelse and _root(node.test)[-1:] == ("TYPE_CHECKING",):
            yield from _top_level(node.body)
        elif not isinstance(node, ast.Pass):
            yield node


def _statement(node: ast.stmt, parent: str, scopes: Iterable[symtable.SymbolTable], rank: int) -> Statement:
    definition = isinstance(node, _DEFINITIONS)
    line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    end = node.end_lineno or node.lineno
    imports = tuple(i for n in ast.walk(node) if isinstance(n, _IMPORTS) for i in _imported(n, parent))
    uses = frozenset(_chains(node))
    changes = frozenset(_changed(node))
    if definition:
        # Otherwise a local variable with the name of a function of the module would count as a use of it.
        outside = {n for n, *_ in _chains(*(c for c in ast.iter_child_nodes(node) if not _in_body(node, c)))}
        outside |= {n for scope in scopes if line <= scope.get_lineno() <= end for n in _outer(scope)}
        changes &= outside
        uses = frozenset(chain for chain in uses if chain[0] in outside | {i.name for i in imports})
    return Statement(
        binds=frozenset(_binds(node)),
        definition=definition,
        text=ast.dump(node),
        line=line,
        end=end,
        rank=rank if isinstance(node, _ASSIGNMENTS) else 0,
        uses=uses,
        calls=frozenset(_called(node)),
        changes=changes,
        imports=(*imports, *_named(node, parent)),
        hooks=any(isinstance(n, _FUNCTIONS) and n.name == "__init_subclass__" for n in ast.walk(node)),
        texts=frozenset(
            n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ),
    )


def _in_body(node: ast.AST, child: ast.AST) -> bool:
    return child in getattr(node, "body", ())


def _outer(scope: symtable.SymbolTable) -> set[str]:
    """Returns the names that `scope` takes from its module. A class body may read a name before it binds it."""
    whole = scope.get_type() == "class"
    names = {symbol.get_name() for symbol in scope.get_symbols() if whole or symbol.is_global()}
    return names.union(*(_outer(child) for child in scope.get_children()))


def _binds(node: ast.stmt) -> set[str]:
    if isinstance(node, _DEFINITIONS):
        written = (n.names for n in ast.walk(node) if isinstance(n, ast.Global))
        return {node.name}.union(*written)
    if isinstance(node, _ASSIGNMENTS) and not any(_is_place(n) for n in ast.walk(node)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return _stored(*targets, *(n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)))
    if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'" and not node.orelse:
        return {MAIN}
    return set()


def _stored(*nodes: ast.AST) -> set[str]:
    inner = [n for node in nodes for n in ast.walk(node)]
    names = {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names | {n.name for n in inner if isinstance(n, _DEFINITIONS)}


def _is_place(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)


def _changed(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if _is_place(inner) or (isinstance(inner, ast.Attribute) and inner.attr in _MUTATORS):
            yield from _root(inner)[:1]
        elif isinstance(inner, ast.Global):
            yield from inner.names


def _called(node: ast.stmt) -> Iterator[Chain]:
    if isinstance(node, _DEFINITIONS):
        heads = [*node.decorator_list, *(node.bases if isinstance(node, ast.ClassDef) else ())]
    else:
        heads = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    yield from filter(None, map(_root, heads))


def _root(node: ast.AST) -> Chain:
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


def _chains(*nodes: ast.AST) -> Iterator[Chain]:
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


def _imported(node: ast.AST, parent: str) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.name if alias.asname else alias.name.partition(".")[0]
            yield Import(alias.asname or bound, bound, (), alias.name)
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(node.module or "", node.level, parent)
        for alias in node.names:
            chain = () if alias.name == "*" else (alias.name,)
            yield Import(alias.asname or alias.name, module, chain, module)


def _named(node: ast.AST, parent: str) -> Iterator[Import]:
    """Yields modules imported by a literal name: `importlib.import_module("a.b")`. What is taken is unknown."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _IMPORTERS.intersection(_root(call.func)):
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
