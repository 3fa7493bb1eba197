"""Pages of HTML that need nothing beside themselves: readable on a phone, by night, and without JavaScript."""

from __future__ import annotations

from typing import Any

import jinja2


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
    return environment.get_template(template).render(**values)
