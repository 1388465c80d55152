"""What noting opened files costs a program that opens 10,000 of them: CPU of the loop, beside a hook that does nothing.

The program reads records of 1 KB, one a file, and parses them. The second row is what a bare open, read and close takes
longer, over what the interpreter takes for calling any audit hook at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from .harness import Place, Row, child, interleaved, median

FILES = 10_000

PROGRAM = """
import json, sys, time
from autotrack.core.session import opened

def nothing(event, args):
    pass

folder, count, hook, parse = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] == "parse"
names = [f"{folder}/{number}.json" for number in range(count)]

def program():
    start = time.process_time()
    for name in names:
        with open(name) as file:
            text = file.read()
        if parse:
            json.loads(text)
    return time.process_time() - start

program()
if hook == "ours":
    assert opened.watch()
elif hook == "empty":
    sys.addaudithook(nothing)
best = []
for _ in range(5):
    best.append(program())
    noted = len(opened.take().items)
    assert (noted >= count) == (hook == "ours"), noted
print(min(best))
"""


def rows(place: Place) -> Iterator[Row]:
    folder = place.folder / "records"
    folder.mkdir()
    count = place.scaled(FILES)
    for number in range(count):
        record = {"id": number, "label": number % 10, "values": [(number * 31 + i) % 1000 / 8 for i in range(160)]}
        (folder / f"{number}.json").write_text(json.dumps(record)[:1023].rpartition(",")[0] + "]}")

    def measured(hook: str, what: str) -> float:
        return float(child(PROGRAM, folder, count, hook, what).json)

    plain, empty, ours, bare, bare_empty, bare_ours = interleaved(
        place.scaled(11, 1),
        *(
            lambda what=what, hook=hook: measured(hook, what)
            for what in ("parse", "")
            for hook in ("", "empty", "ours")
        ),
    )
    share = 100 * (median(ours) / median(plain) - 1)
    floor = 100 * (median(empty) / median(plain) - 1)
    yield Row("audit hook on a program that opens 10,000 files", share, "%", 3.0, floor, "a hook that does nothing")
    a_file = (median(bare_ours) - median(bare)) / count
    least = (median(bare_empty) - median(bare)) / count
    yield Row("an open that is noted, added", a_file, "s", 0.5e-6, least, "a hook that does nothing")
