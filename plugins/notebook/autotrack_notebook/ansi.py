"""Text with a terminal's colours as HTML: the SGR sequences of ECMA-48, 8.3.117, and xterm's 256 and true colours."""

from __future__ import annotations

import re
from html import escape

_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m")
#: Other sequences, and characters that no page shows: the cursor's movements, titles, bells.
_UNSEEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-Z]|\x1b[=>78cDEHM]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_CUBE = (0, 95, 135, 175, 215, 255)
#: Sequences that one text may have coloured; what comes behind is shown plain.
_MOST = 50_000


class _Look:
    __slots__ = ("back", "bold", "fore", "italic", "swapped", "underlined")

    def __init__(self) -> None:
        self.fore = self.back = ""
        self.bold = self.italic = self.underlined = self.swapped = False

    def take(self, codes: list[int]) -> None:
        """Changes as a sequence says."""
        at = 0
        while at < len(codes):
            code = codes[at]
            at += 1
            if code == 0:
                self.__init__()  # type: ignore[misc]
            elif code in (1, 22):
                self.bold = code == 1
            elif code in (3, 23):
                self.italic = code == 3
            elif code in (4, 24):
                self.underlined = code == 4
            elif code in (7, 27):
                self.swapped = code == 7
            elif code in (38, 48):
                colour, at = _extended(codes, at)
                self._paint(code == 38, colour)
            elif code in (39, 49):
                self._paint(code == 39, "")
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self._paint(True, f"var(--c{code - 30 if code < 90 else code - 82})")
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self._paint(False, f"var(--c{code - 40 if code < 100 else code - 92})")

    def _paint(self, fore: bool, colour: str) -> None:
        if fore:
            self.fore = colour
        else:
            self.back = colour

    def style(self) -> str:
        """What the text's ``style`` attribute says."""
        fore, back = self.fore, self.back
        if self.swapped:
            fore, back = back or "var(--page)", fore or "var(--ink)"
        said = {"color": fore, "background": back, "font-weight": "bold" * self.bold}
        said |= {"font-style": "italic" * self.italic, "text-decoration": "underline" * self.underlined}
        return ";".join(f"{name}:{value}" for name, value in said.items() if value)


def coloured(text: str) -> str:
    """The text as HTML, every character of it escaped, coloured by the sequences in it."""
    look, pieces, done = _Look(), [], 0
    for count, found in enumerate(_SEQUENCE.finditer(text)):
        pieces.append(_piece(text[done : found.start()], look.style()))
        done = found.end()
        if count >= _MOST:
            look = _Look()
            break
        look.take([int(code[:4] or 0) for code in found[1].split(";")])
    pieces.append(_piece(text[done:], look.style()))
    return "".join(pieces)


def _piece(text: str, style: str) -> str:
    shown = escape(_UNSEEN.sub("", text))
    return f'<span style="{style}">{shown}</span>' if style and shown else shown


def _extended(codes: list[int], at: int) -> tuple[str, int]:
    """A colour of ``5;n`` or ``2;r;g;b`` and where the next code stands; no colour where it is none."""
    kind = codes[at] if at < len(codes) else 0
    if kind == 5 and at + 1 < len(codes):
        return _of_256(min(codes[at + 1], 255)), at + 2
    if kind == 2 and at + 3 < len(codes):
        red, green, blue = (min(code, 255) for code in codes[at + 1 : at + 4])
        return f"rgb({red},{green},{blue})", at + 4
    return "", len(codes)


def _of_256(number: int) -> str:
    if number < 16:
        return f"var(--c{number})"
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return f"rgb({grey},{grey},{grey})"
    red, rest = divmod(number - 16, 36)
    green, blue = divmod(rest, 6)
    return f"rgb({_CUBE[red]},{_CUBE[green]},{_CUBE[blue]})"
