"""Colours of the kinds of model, as CSS. A model's colour depends on its position in the registry."""

from __future__ import annotations

from markupsafe import Markup

from limbeck.report.names import OTHER, kinds

# On a light page, and on a dark page.
_COLOURS = (
    ("#2456a6", "#82aef5"),
    ("#c2410c", "#fb9a5b"),
    ("#6b7280", "#a6aebb"),
    ("#0f766e", "#4cc9b8"),
    ("#be185d", "#f48fb1"),
    ("#4d7c0f", "#a3d65c"),
)
_OTHER = ("#7c3aed", "#c4a5fb")


def css() -> Markup:
    """Returns a custom property `--<kind>` for each kind of model, and a class `<kind>` that sets `--tone` to it."""
    colours = {kind: _COLOURS[place] if place < len(_COLOURS) else _OTHER for place, kind in enumerate(kinds())}
    colours[OTHER] = _OTHER
    light, dark = (" ".join(f"--{kind}: {shades[page]};" for kind, shades in colours.items()) for page in range(2))
    tones = " ".join(f".{kind} {{ --tone: var(--{kind}); }}" for kind in colours)
    # No part of it comes from a user.
    return Markup(  # noqa: S704
        f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{tones}"
    )
