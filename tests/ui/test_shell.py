"""The pages' HTML and files, as any client gets them."""

from __future__ import annotations

import gzip
import re

from tests.server.server_process import ServerProcess


def test_files_are_packed_and_kept_for_good(site: ServerProcess) -> None:
    shell = site.get("/").text
    paths = set(re.findall(r'(?:src|href)="(/ui/[^"]+)"', shell))
    assert len(paths) > 10
    for path in paths:
        packed = site.get(path, headers={"Accept-Encoding": "gzip"})
        assert packed.status == 200, path
        assert packed.headers["content-encoding"] == "gzip"
        assert "immutable" in packed.headers["cache-control"]
        assert gzip.decompress(packed.content) == site.get(path).content


def test_no_path_leads_out_of_the_pages_files(site: ServerProcess) -> None:
    version = re.search(r"/ui/(\w+)/", site.get("/").text)[1]  # type: ignore[index]
    for path in ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "vendor/../../app.py", "/etc/passwd", "main.js%00.css"):
        assert site.get(f"/ui/{version}/{path}").status in (400, 404), path
    assert site.get("/ui/000000000000/main.js").status == 404


def test_pages_have_their_titles_and_what_is_not_there_is_404(site: ServerProcess) -> None:
    assert "<title>Experiments · autotrack</title>" in site.get("/").text
    assert "<title>sweep · autotrack</title>" in site.get("/e/sweep").text
    for path in ("/e/none", "/r/0123456789abcdef"):
        lost = site.get(path)
        assert lost.status == 404
        assert "text/html" in lost.headers["content-type"]
        assert "<title>Not found" in lost.text


def test_a_title_is_text(site: ServerProcess) -> None:
    shell = site.get("/models/%3C%2Ftitle%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "<script>alert" not in shell.text
    assert "script-src 'self' 'sha256-" in shell.headers["content-security-policy"]
