"""A study's file as keys and values, and nothing that YAML would let pass in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sse_nmt.system.errors import UserError


class _Loader(yaml.SafeLoader):
    """Of a key that is given twice YAML's loader takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"`{key}` is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Raises UserError: no such file, no YAML, or no keys and values."""
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UserError(f"{path} must be the YAML file of a study, but there is no such file.") from None
    except RecursionError:
        raise UserError(f"{path} must be the YAML file of a study, but is nested too deeply.") from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: a date that is none, a number without end
        raise UserError(
            f"{path} must be the YAML file of a study, but is not: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(tree, dict):
        raise UserError(f"{path} must be the YAML file of a study, with keys and values, but is not.")
    return tree
