"""Most names in annotations (`int`, `numpy.ndarray`, …) are none of ours: an index says so without a search."""

from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain


class IndexedPythonDomain(PythonDomain):
    """Sphinx's domain of Python, which knows by the last part of a name whether any object can match it."""

    _indexed = -1

    def find_obj(self, env: Any, modname: str, classname: str, name: str, *rest: Any) -> Any:
        """Return the objects that a name may mean; every match of Sphinx's has the same last part as the name."""
        if len(self.objects) != self._indexed:
            self._indexed, self._last_parts = len(self.objects), {known.rpartition(".")[2] for known in self.objects}
        if name.removesuffix("()").rpartition(".")[2] not in self._last_parts:
            return []
        return super().find_obj(env, modname, classname, name, *rest)


def setup(app: Sphinx) -> dict[str, bool]:
    """As a Sphinx extension."""
    app.add_domain(IndexedPythonDomain, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
