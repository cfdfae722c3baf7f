"""Finds the definitions that a piece of code depends on, across the project's modules and without importing them.

A static analysis of Python cannot be exact. This one errs only on the safe side. If it cannot decide (a star import, a
module that is passed as a value, a name that only `__getattr__` knows), it counts the whole module. One definition too
many costs an unnecessary training, but one too few serves a stale model.

Known limits: modules and data files whose names are computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from limbeck.digests.content import file_digest
from limbeck.digests.data_files import data_files
from limbeck.digests.module import Module, Statement
from limbeck.digests.sources import Sources, is_ours, module_folder, version_of
from limbeck.digests.syntax import Import, NameChain
from limbeck.errors import TaskError

# Names of nodes that are not definitions: see `Node`.
STATEMENTS, WHOLE, INSTALLED = "<module>", "*", ""

_NAMESPACE_VIEWS = frozenset({"globals", "eval", "exec"})


class Node(NamedTuple):
    """Something that code can depend on.

    Attributes:
      module: absolute dotted name of a module of the project, or of an installed package.
      name: name of a definition; `<module>` for the statements that belong to every definition of the module, `*` for
        the whole module, empty for an installed package.
    """

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


class Project:
    """The definitions in the source files of the project, of a task and of its helpers, and what they depend on.

    A file counts in the state in which it was first read. Results are cached.

    Args:
      search_path: folders to import modules from, before the project's root.
    """

    def __init__(self, search_path: Iterable[str] = ()) -> None:
        self._sources = Sources(search_path)
        self._expanded: dict[Node, tuple[tuple[str, ...], set[Node]]] = {}
        self._resolved: dict[tuple[str, NameChain], set[Node]] = {}
        self._followed: dict[frozenset[Node], Mapping[Node, tuple[str, ...]]] = {}

    def find(self, name: str) -> Module | None:
        """Returns the project's module with this dotted name; None if the project has none.

        Raises:
          TaskError: if its file is not Python.
        """
        return self._sources.find(name)

    def roots(self, texts: Iterable[str]) -> set[Node]:
        """Returns the nodes for each `module` or `module:qualified_name`.

        Raises:
          TaskError: if the project has no such module, or the module has no such name at its top level.
        """
        return set().union(*map(self._root, texts))

    def _root(self, text: str) -> set[Node]:
        name, _, qualified = text.partition(":")
        module = self.find(name)
        if module is None:
            raise TaskError(
                f"a digest starts in a module of the project, but '{name}' is not one: correct '{text}'"
            )
        if not qualified:
            return {Node(name, WHOLE)}
        found = self._look_up(module, tuple(qualified.split(".")), frozenset())
        if not found:
            raise TaskError(f"module '{name}' binds no such name at its top level: correct '{text}'")
        return found | {Node(name, STATEMENTS)}

    def dependencies(self, roots: Iterable[Node]) -> Mapping[Node, tuple[str, ...]]:
        """Follows every name, starting from `roots`.

        Returns:
          The content of each node that has any. The content leaves out comments and formatting, and says what each name
          in it stands for. Each data file that the code of a task or helper names is a node too, and its digest is its
          content.

        Raises:
          TaskError: if a file that is followed is not Python.
        """
        begin = frozenset(roots)
        if begin not in self._followed:
            self._followed[begin] = self._reached(begin)
        return self._followed[begin]

    def _reached(self, roots: frozenset[Node]) -> Mapping[Node, tuple[str, ...]]:
        found: dict[Node, tuple[str, ...]] = {}
        pending = list(roots)
        while pending:
            node = pending.pop()
            if node not in found:
                if node not in self._expanded:
                    self._expanded[node] = self._expand(node)
                found[node], further = self._expanded[node]
                pending.extend(further)
        found |= self._data_files(tuple(found))
        return {node: content for node, content in found.items() if content}

    def _data_files(self, nodes: Iterable[Node]) -> dict[Node, tuple[str, ...]]:
        places = {module: self._sources.place(module) for module in {node.module for node in nodes}}
        theirs = {module for module, place in places.items() if place is not None and not is_ours(place)}
        texts: dict[str, set[str]] = {module: set() for module in theirs}
        for node in (node for node in nodes if node.module in theirs):
            texts[node.module].update(*(s.texts for s in self._statements(node)))
        return {
            Node(module, f"file {name}"): (file_digest(path),)
            for module, literals in texts.items()
            for name, path in data_files([module_folder(places[module]), Path.cwd()], literals).items()
        }

    def _expand(self, node: Node) -> tuple[tuple[str, ...], set[Node]]:
        module = self.find(node.module)
        if module is None:
            return (version_of(node.module),), set()
        further = {Node(node.module, STATEMENTS)}
        if node.name == STATEMENTS:
            further = self._run_by_import(module)
        elif node.name == WHOLE:
            further |= {Node(node.module, name) for name in module.bindings}
            passed_on = set().union(*(self._follow(i.module, i.chain) for i in module.unused))
            further |= {n for n in passed_on if self.find(n.module) is not None}
        content = []
        for statement in self._statements(node):
            content += [statement.text, f"after {statement.rank}"]
            for chain in sorted(statement.uses):
                targets = self._resolve(module, statement, chain)
                further |= targets
                stands_for = sorted(self._label(target, statement, module) for target in targets)
                content += [f"{'.'.join(chain)} is {stands_for}"] if stands_for else []
            for some in statement.imports:
                further |= self._effects(some)
        return tuple(content), further

    def _statements(self, node: Node) -> tuple[Statement, ...]:
        module = self.find(node.module)
        if module is None:
            return ()
        return module.statements if node.name == STATEMENTS else module.bindings.get(node.name, ())

    def _label(self, target: Node, user: Statement, module: Module) -> str:
        """Returns the text of a target. If it is bound several times, adds how many of them come before its user."""
        bindings = self._statements(target) if target.name != STATEMENTS else ()
        if target.module == module.name and len(bindings) > 1:
            return f"{target} {sum(b.line < user.line for b in bindings)}"
        return str(target)

    def _resolve(self, module: Module, statement: Statement, chain: NameChain) -> set[Node]:
        """Returns what a chain in `statement` stands for; empty for a built-in name of Python."""
        local = (i for i in statement.imports if i.name == chain[0])
        found = set().union(*(self._follow(i.module, i.chain + chain[1:]) for i in local))
        if (module.name, chain) not in self._resolved:
            self._resolved[module.name, chain] = self._look_up(module, chain, frozenset())
        return found | self._resolved[module.name, chain]

    def _look_up(self, module: Module, chain: NameChain, seen: frozenset[Node]) -> set[Node]:
        """Returns what a chain stands for at the top level of `module`; empty if its first name is not bound there."""
        if chain[0] in _NAMESPACE_VIEWS or chain[:2] == ("sys", "modules"):
            return {Node(module.name, WHOLE)}
        found = {Node(module.name, chain[0])} if chain[0] in module.bindings else set()
        if chain[0] in module.loose:
            found.add(Node(module.name, STATEMENTS))
        for some in (i for i in module.imports if i.name == chain[0]):
            found |= self._follow(some.module, some.chain + chain[1:], seen)
        return found

    def _follow(self, name: str, chain: NameChain, seen: frozenset[Node] = frozenset()) -> set[Node]:
        """Returns what the attributes `chain` of module `name` stand for, through re-exports and submodules."""
        module, here = self.find(name), Node(name, ".".join(chain))
        if module is None:
            return {Node(name.partition(".")[0], INSTALLED)}
        if not chain:
            return {Node(name, WHOLE)}
        # `from . import b` in a package leads the search for its `b` back to itself: then b is a submodule.
        found = set() if here in seen else self._look_up(module, chain, seen | {here})
        if found:
            return found | {Node(name, STATEMENTS)}
        if self.find(f"{name}.{chain[0]}") is not None:
            return self._follow(f"{name}.{chain[0]}", chain[1:], seen)
        return {Node(name, WHOLE)}

    def _run_by_import(self, module: Module) -> set[Node]:
        """Returns what importing `module` runs besides its own statements: it may change what other code uses."""
        further = set().union(*(self._effects(some) for some in (*module.unused, *_stars(module.imports))))
        parent = module.name.rpartition(".")[0]
        if parent:
            further.add(Node(parent, STATEMENTS))
        for name, statements in module.bindings.items():
            if any(self._registers(module, statement) for statement in statements):
                further.add(Node(module.name, name))
        return further

    def _effects(self, some: Import) -> set[Node]:
        if some.name == "*":
            return self._follow(some.module, some.chain)
        nodes = {Node(some.runs, STATEMENTS), *self._follow(some.module, some.chain)}
        return {Node(n.module, STATEMENTS) for n in nodes if self.find(n.module) is not None}

    def _registers(self, module: Module, statement: Statement) -> bool:
        """Returns whether binding a name changes something elsewhere, as `@register` does."""
        if not statement.definition and self._changes_variable(module, statement):
            return True
        for target in (t for chain in statement.calls for t in self._resolve(module, statement, chain)):
            owner = self.find(target.module)
            for called in self._statements(target) if owner and target.name != STATEMENTS else ():
                if called.hooks or (statement.definition and not called.definition):
                    return True
                if owner and called.definition and self._changes_variable(owner, called):
                    return True
        return False

    def _changes_variable(self, module: Module, statement: Statement) -> bool:
        targets = (t for name in statement.changes for t in self._look_up(module, (name,), frozenset()))
        return any(not s.definition for t in targets for s in self._statements(t))


def _stars(imports: Iterable[Import]) -> Iterator[Import]:
    return (some for some in imports if some.name == "*")
