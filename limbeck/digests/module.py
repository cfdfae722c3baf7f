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

from limbeck.digests import syntax
from limbeck.digests.syntax import ASSIGNMENTS, DEFINITIONS, FUNCTIONS, IMPORTS, Import, NameChain
from limbeck.errors import TaskError


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
    uses: frozenset[NameChain]
    calls: frozenset[NameChain]
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
    syntax.remove_docstrings(tree)
    parent = name if package else name.rpartition(".")[0]
    imports: list[Import] = []
    statements: list[Statement] = []
    loose: set[str] = set()
    bindings = defaultdict(list)
    for node in _top_level(tree.body):
        if isinstance(node, IMPORTS):
            imports.extend(syntax.imports(node, parent))
            continue
        statement = _statement(node, parent, scopes, len(statements))
        for bound in statement.binds:
            bindings[bound].append(statement)
        if not statement.binds:
            statements.append(statement)
            imports.extend(statement.imports)
            loose |= syntax.stored_names(node)
    return Module(
        name,
        tuple(statements),
        {bound: tuple(some) for bound, some in bindings.items()},
        tuple(imports),
        frozenset(loose),
    )


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if (
            isinstance(node, ast.If)
            and not node.orelse
            and syntax.root_chain(node.test)[-1:] == ("TYPE_CHECKING",)
        ):
            yield from _top_level(node.body)
        elif not isinstance(node, ast.Pass):
            yield node


def _statement(node: ast.stmt, parent: str, scopes: Iterable[symtable.SymbolTable], rank: int) -> Statement:
    definition = isinstance(node, DEFINITIONS)
    line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    end = node.end_lineno or node.lineno
    imports = tuple(i for n in syntax.nodes_of(node) if isinstance(n, IMPORTS) for i in syntax.imports(n, parent))
    uses = frozenset(syntax.chains(node))
    changes = frozenset(syntax.changed_names(node))
    if definition:
        # Otherwise a local variable with the name of a function of the module would count as a use of it.
        outside = {n for n, *_ in syntax.chains(*(c for c in ast.iter_child_nodes(node) if not _in_body(node, c)))}
        outside |= {n for scope in scopes if line <= scope.get_lineno() <= end for n in syntax.outer_names(scope)}
        changes &= outside
        uses = frozenset(chain for chain in uses if chain[0] in outside | {i.name for i in imports})
    return Statement(
        binds=frozenset(syntax.bound_names(node)),
        definition=definition,
        text=ast.dump(node),
        line=line,
        end=end,
        rank=rank if isinstance(node, ASSIGNMENTS) else 0,
        uses=uses,
        calls=frozenset(syntax.called_chains(node)),
        changes=changes,
        imports=(*imports, *syntax.imports_by_text(node, parent)),
        hooks=any(isinstance(n, FUNCTIONS) and n.name == "__init_subclass__" for n in syntax.nodes_of(node)),
        texts=frozenset(
            n.value for n in syntax.nodes_of(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ),
    )


def _in_body(node: ast.AST, child: ast.AST) -> bool:
    return child in getattr(node, "body", ())
