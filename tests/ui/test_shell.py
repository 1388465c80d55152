"""The pages' HTML and files, as any client gets them."""

from __future__ import annotations

import gzip
import re

import brotli

from tests.server.server_process import ServerProcess


def test_files_are_packed_and_kept_for_good(site: ServerProcess) -> None:
    shell = site.get("/").text
    paths = set(re.findall(r'(?:src|href)="(/ui/[^"]+)"', shell))
    assert len(paths) > 10
    for path in paths:
        plain = site.get(path).content
        for asked, encoding, unpack in (("gzip", "gzip", gzip.decompress), ("gzip, br", "br", brotli.decompress)):
            packed = site.get(path, headers={"Accept-Encoding": asked})
            assert packed.status == 200, path
            assert packed.headers["content-encoding"] == encoding
            assert "immutable" in packed.headers["cache-control"]
            assert unpack(packed.content) == plain


def test_a_script_of_a_line_leads_to_the_modules_it_was_made_of(site: ServerProcess) -> None:
    """The source map of the first part: each line of a module is found, in the module that the map names."""
    main = re.search(r'<script type="module" src="([^"]+)"', site.get("/").text)[1]  # type: ignore[index]
    lines = site.get(main).text.split("\n")
    found = site.get(f"{main}.map").json()
    at, source, line = 0, 0, 0
    for served, mapping in zip(lines, found["mappings"].split(";"), strict=False):
        if not mapping:
            continue
        _, more, down, _ = _numbers(mapping)
        source, line = source + more, line + down
        written = found["sourcesContent"][source].split("\n")[line]
        for name in re.findall(r"[a-z]{5,}", re.sub(r"const\{.*", "", served)):
            assert name in written, (found["sources"][source], line, served, written)
            at += 1
    assert at > 500
    assert site.get(f"{main}.map.map").status == 404


def _numbers(mapping: str) -> list[int]:
    """What a segment of a source map says: base 64, five bits a sign, the lowest bit of all the minus."""
    said, shift, found = 0, 0, []
    for sign in mapping:
        digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(sign)
        said |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            found.append(-(said >> 1) if said & 1 else said >> 1)
            said, shift = 0, 0
    return found


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
