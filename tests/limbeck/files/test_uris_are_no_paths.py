"""`Path(uri)` is refused: it makes a local folder of `gs://bucket/x`, and nobody is told."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PACKAGES = ("limbeck", "trainer", "components", "launchers", "report", "kubeflow", "cli")
PATHS = {"Path", "PurePath", "PosixPath"}
# What opens a file of a path, and what TensorFlow or TFX would open by itself: `limbeck.files` has all of it.
DOORS = {
    ("np", "save"),
    ("np", "savez"),
    ("pq", "read_table"),
    ("os", "listdir"),
    ("os", "makedirs"),
    ("io", "open"),
}
OTHER_FILE_MODULES = {"gfile", "fileio", "io_utils"}
# `io_utils` reads the protocol buffers of TFX's own components.
MAY_USE_THEM = {
    "limbeck/files/tensorflow.py",
    "components/anomaly_stop/executor.py",
    "components/example_gen/executor.py",
}


def names_uri(node: ast.expr) -> bool:
    """Whether an expression is a URI by its name: `model_uri`, `artifact.uri`, `uri["x"]`, `f"{uri}/x"`, `uri / x`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            found = name.lower().endswith("uri")
        case ast.Subscript(value=value, slice=key):
            found = names_uri(value) or (isinstance(key, ast.Constant) and str(key.value).endswith("uri"))
        case ast.BinOp(left=left):
            found = names_uri(left)
        case ast.JoinedStr(values=parts):
            found = any(names_uri(part.value) for part in parts if isinstance(part, ast.FormattedValue))
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            # What `str` makes of a URI is one, and so is the URI of an input; other functions may make a path of it.
            found = name.endswith("_uri") or (name == "str" and any(map(names_uri, arguments)))
        case _:
            found = False
    return found


def offences(source: str) -> list[str]:
    """Lines that take a URI for a path."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        module = (
            function.value.id
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
            else ""
        )
        if (name in PATHS or (name == "open" and not module) or (module, name) in DOORS) and any(
            map(names_uri, node.args)
        ):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def other_file_modules(source: str) -> list[str]:
    """Uses of a module that opens files beside `limbeck.files`."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr in OTHER_FILE_MODULES)
        or (isinstance(node, ast.Name) and node.id in OTHER_FILE_MODULES)
    ]


def sources() -> list[Path]:
    return [
        PROJECT / "pipeline.py",
        *(path for package in PACKAGES for path in sorted((PROJECT / package).rglob("*.py"))),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Path(uri)",
        "Path(job.record_uri)",
        "pathlib.Path(artifact.uri) / 'x'",
        "Path(uri['predictions'])",
        "Path(f'{model_uri}/x')",
        "Path(str(blessing.uri))",
        "Path(artifact_utils.get_single_uri(inputs['model']))",
        "open(one.uri)",
        "np.save(f'{uri}/x.npy', array)",
        "pq.read_table(predictions_uri)",
    ],
)
def test_the_rule_finds(line):
    assert offences(line)


@pytest.mark.parametrize(
    "line", ["Path(folder)", "Path(files.local_copy(one.uri))", "files.read_text(uri)", "str(uri)"]
)
def test_the_rule_allows(line):
    assert not offences(line)


def test_no_uri_is_taken_for_a_path():
    found = {str(path.relative_to(PROJECT)): offences(path.read_text(encoding="utf-8")) for path in sources()}
    assert len(found) > 150
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_files_are_opened_by_one_module():
    found = {
        str(path.relative_to(PROJECT)): other_file_modules(path.read_text(encoding="utf-8")) for path in sources()
    }
    assert {path: lines for path, lines in found.items() if lines and path not in MAY_USE_THEM} == {}
