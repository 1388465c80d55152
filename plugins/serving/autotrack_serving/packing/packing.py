"""Writes a model and what serves it into one zip file, or into a folder that docker builds an image from."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from autotrack.plugin import AutotrackError, UsageError, attempt, local_model

#: What serving needs, besides what the model asks for.
_SERVING = ("blake3", "click", "fsspec", "httptools", "msgspec", "numpy", "orjson", "pluggy", "pyyaml", "rich",
            "sqlalchemy", "urllib3", "uvicorn", "uvloop")  # fmt: skip
_SKIPPED = frozenset({"__pycache__", "ui", "demo"})


class Packed(AutotrackError):
    """A model that cannot be packed."""


def pack(uri: str, output: Path) -> list[str]:
    """Writes ``output``, which ``python`` serves; answers the requirements that it has (NotFoundError, UsageError)."""
    if output.exists():
        raise UsageError(f"{output} is there already; name another file, or remove it")
    with local_model(uri) as model:
        needed = requirements(model)
        young = output.with_name(output.name + ".young")
        try:
            with zipfile.ZipFile(young, "w", zipfile.ZIP_DEFLATED) as archive:
                _write(archive, "__main__.py", Path(__file__).with_name("starting.py").read_bytes())
                for name, path in _code():
                    _write(archive, f"code/{name}", path.read_bytes())
                for name, text in _metadata().items():
                    _write(archive, f"code/{name}", text.encode())
                _write(archive, "code/requirements.txt", ("\n".join(needed) + "\n").encode())
                for path in sorted(model.rglob("*")):
                    if path.is_file():
                        _write(archive, f"model/{path.relative_to(model).as_posix()}", path.read_bytes())
            young.replace(output)
        finally:
            young.unlink(missing_ok=True)
    return needed


def docker_context(uri: str, folder: Path, *, base: str, port: int) -> list[str]:
    """Writes the context of an image that serves the model; answers its files."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    needed = pack(uri, folder / "model.zip")
    (folder / "requirements.txt").write_text("\n".join(needed) + "\n", "utf-8")
    (folder / "Dockerfile").write_text(_DOCKERFILE.replace("[[base]]", base).replace("[[port]]", str(port)), "utf-8")
    (folder / ".dockerignore").write_text("*\n!model.zip\n!requirements.txt\n", "utf-8")
    return sorted(path.name for path in folder.iterdir())


def requirements(model: Path) -> list[str]:
    """Pinned: the model's own requirements.txt, and what serves, in the versions that are here."""
    found: dict[str, str] = {}
    said = model / "requirements.txt"
    lines = said.read_text("utf-8").splitlines() if said.is_file() else []
    for line in lines:
        name = line.partition("==")[0].partition(">")[0].partition("[")[0].strip().lower().replace("_", "-")
        if name and not line.lstrip().startswith(("#", "-")) and name not in ("autotrack", "mlflow"):
            found[name] = line.strip()
    for name in _SERVING:
        version, _ = attempt(importlib.metadata.version, name)
        if name not in found:
            found[name] = f"{name}=={version}" if version else name
    return sorted(found.values(), key=str.lower)


def _code() -> Iterator[tuple[str, Path]]:
    """autotrack and its plugins, as they are installed here, without pages and demos."""
    entry_points = importlib.metadata.distribution("autotrack").entry_points
    modules = {each.value.partition(":")[0].partition(".")[0] for each in entry_points if each.group == "autotrack"}
    for name in sorted({"autotrack", *modules}):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            inner = path.relative_to(root)
            if not _SKIPPED & set(inner.parts):
                yield f"{name}/{inner.as_posix()}", path


def _metadata() -> Mapping[str, str]:
    own = importlib.metadata.distribution("autotrack")
    info = f"autotrack-{own.version}.dist-info"
    return {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: autotrack\nVersion: {own.version}\n",
        f"{info}/entry_points.txt": own.read_text("entry_points.txt") or "",
    }


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Equal contents make equal archives: no time stands in them."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)


def builder() -> str | None:
    """docker or podman; None where there is neither."""
    return shutil.which("docker") or shutil.which("podman")


_DOCKERFILE = """# Serves the model in model.zip at port [[port]], as a user without rights.
FROM [[base]]
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
COPY requirements.txt /opt/requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check -r /opt/requirements.txt \\
    && useradd --system --uid 10001 --no-create-home model
COPY model.zip /opt/model.zip
USER 10001
EXPOSE [[port]]
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \\
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:[[port]]/ping', timeout=2)"]
ENTRYPOINT ["python", "/opt/model.zip", "--host", "0.0.0.0", "--port", "[[port]]"]
"""
