"""For the processes that tests start. Python imports this by its name.

Newstest has the sizes of the toy cache.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys

import import_server

import_server.ask()

_NEWSTEST = "sse_nmt.corpora.newstest"


class _ToySizes(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != _NEWSTEST:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        load = spec.loader.exec_module

        def load_and_shrink(module):
            load(module)
            module.SENTENCES.update(dict.fromkeys(module.SENTENCES, 6))

        spec.loader.exec_module = load_and_shrink
        return spec


sys.meta_path.insert(0, _ToySizes())
