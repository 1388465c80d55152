"""What programs import, as far as their texts say: which of many packages may have to do with a result."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: ``import a.b, c as d`` and ``from a.b import c``, wherever they stand; a text need not be of this Python's grammar.
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([^#;\n]+)|^[ \t]*from[ \t]+(\w[\w.]*)[ \t]+import\b", re.MULTILINE)
#: Distributions whose modules have another name, where they are not installed here to be asked.
_CALLED = {
    "sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml",
    "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "faiss": "faiss-cpu", "umap": "umap-learn",
    "imblearn": "imbalanced-learn", "skopt": "scikit-optimize", "tables": "tables", "google": "protobuf",
}  # fmt: skip


def imported_in(texts: Iterable[str]) -> set[str]:
    """The top-level modules that Python texts import."""
    found = set()
    for text in texts:
        for plain, source in _IMPORT.findall(text):
            names = plain.split(",") if plain else [source]
            found |= {name.split()[0].partition(".")[0] for name in names if name.split()}
    return found


def distributions_of(modules: Iterable[str], names: Iterable[str]) -> set[str]:
    """Which of the distributions (normalised names) these modules belong to."""
    from importlib.metadata import packages_distributions

    here = packages_distributions()
    wanted = {
        _normal(each) for module in modules for each in (module, _CALLED.get(module, module), *here.get(module, ()))
    }
    return {name for name in names if _normal(name) in wanted}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
