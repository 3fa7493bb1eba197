"""Pages of HTML that need nothing beside themselves: readable on a phone, by night, and without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import jinja2
from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]*)`")


def render(template: str, package: str = "sse_nmt.evaluation", **values: Any) -> str:
    """A template of ``package``, which extends this package's `page.html`. Text is escaped; pictures are SVG."""
    loaders = [jinja2.PackageLoader(name) for name in dict.fromkeys((package, "sse_nmt.evaluation"))]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _with_code
    return environment.get_template(template).render(**values)


def _with_code(text: str) -> Markup:
    """What stands between backticks as <code>; all of it escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))
