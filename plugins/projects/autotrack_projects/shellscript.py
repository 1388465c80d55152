"""A command that needs a shell, as a script in which every value is a quoted variable.

The contexts that are followed are those of POSIX shells and bash: quotes, ``$(...)``, subshells. Where a value would be
expanded a second time (arithmetic, here-documents, back quotes, ``${...}``) the command is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .forbidden import check_words, refuse
from .templates import Item, Placeholder, Word

#: What the variables with the values are called.
_VARIABLE = "autotrack_parameter_"
#: What the shell is in behind a dollar and this character.
_OPENED = {"(": "plain", "{": "${", "'": "$'"}


@dataclass(slots=True)
class _Context:
    """What the shell is in: ``plain``, ``"``, ``'``, ``$'``, `````, ``${``; and the simple command there so far."""

    kind: str
    words: list[Word] = field(default_factory=list)
    word: Word | None = None


class _Script:
    def __init__(self, values: Mapping[str, str], template: str) -> None:
        self.values = values
        self.template = template
        self.names = {name: f"{_VARIABLE}{number}" for number, name in enumerate(values)}
        self.out: list[str] = []
        self.stack = [_Context("plain")]

    @property
    def _commands(self) -> _Context:
        """The innermost context that has commands."""
        return next(context for context in reversed(self.stack) if context.kind in ("plain", "`"))

    def add_to_word(self, item: Item) -> None:
        commands = self._commands
        commands.word = [*(commands.word or []), item]

    def end_word(self) -> None:
        commands = self._commands
        if commands.word is not None:
            commands.words.append(commands.word)
            commands.word = None

    def end_command(self) -> None:
        self.end_word()
        check_words(self._commands.words, self.values, self.template)
        self._commands.words = []

    def value(self, placeholder: Placeholder) -> None:
        kinds = [context.kind for context in self.stack]
        if {"`", "${", "$'"}.intersection(kinds):
            refuse(self.template, "a value stands where the shell reads it once more")
        if self.out and self.out[-1] in ("$", "\\"):
            refuse(self.template, f"{self.out[-1]} stands before a value; a variable of the shell is ${{{{NAME}}}}")
        reference = f"${{{self.names[placeholder.name]}}}"
        self.out.append({"plain": f'"{reference}"', '"': reference, "'": f"'\"{reference}\"'"}[kinds[-1]])
        self.add_to_word(placeholder)

    def run(self, items: list[Item]) -> None:
        at = 0
        while at < len(items):
            item = items[at]
            at += 1
            if isinstance(item, Placeholder):
                self.value(item)
                continue
            following = items[at] if at < len(items) else ""
            kind = self.stack[-1].kind
            if item == "\\" and kind != "'" and isinstance(following, str) and following:
                self.out.append(item + following)
                self.add_to_word(following)
                at += 1
                continue
            self.out.append(item)
            if kind == "plain" and item == "#" and self._commands.word is None:
                at = self._comment(items, at)
                continue
            self._step(kind, item, following)

    def _comment(self, items: list[Item], at: int) -> int:
        while at < len(items) and items[at] != "\n":
            item = items[at]
            self.out.append(item if isinstance(item, str) else "")
            at += 1
        return at

    def _step(self, kind: str, item: str, following: Item) -> None:
        if kind in ("'", "$'"):
            if item == "'":
                self.stack.pop()
            else:
                self.add_to_word(item)
        elif kind == "${":
            if item == "}":
                self.stack.pop()
        elif item == "$" and following in ("(", "{", "'"):
            if following != "'" or kind == "plain":
                self.stack.append(_Context(f"opening {following}"))
            self.add_to_word(item)
        elif kind.startswith("opening"):
            self.stack[-1].kind = _OPENED[item]
        elif item == "`":
            if kind == "`":
                self.end_command()
                self.stack.pop()
            else:
                self.stack.append(_Context("`"))
        elif kind == '"':
            if item == '"':
                self.stack.pop()
            else:
                self.add_to_word(item)
        elif item in "\"'":
            self.add_to_word("")
            self.stack.append(_Context(item))
        elif item == "(":
            self.end_command()
            self.stack.append(_Context("plain"))
        elif item == ")":
            self.end_command()
            if len(self.stack) > 1:
                self.stack.pop()
        elif item in ";|&\n":
            self.end_command()
        elif item in "<>" or item.isspace():
            self.end_word()
        else:
            self.add_to_word(item)


def script_of(
    items: list[Item], values: Mapping[str, str], appended: Mapping[str, str], template: str
) -> tuple[str, dict[str, str]]:
    """The script, and the variables with the values. ``appended`` follow the last command, as options."""
    script = _Script(values, template)
    text = "".join(item if isinstance(item, str) else " " for item in items)
    if any(isinstance(item, Placeholder) for item in items):
        for sign, what in (
            ("((", "arithmetic"),
            ("[[", "[[ ]]"),
            ("<<", "a here-document or here-string"),
            ("$[", "$["),
        ):
            if sign in text:
                refuse(template, f"the shell reads values in {what} once more")
    script.run(items)
    for name in appended:
        script.out.append(f" --{name} ")
        script.end_word()
        script.value(Placeholder(name))
    script.end_command()
    return "".join(script.out), {script.names[name]: value for name, value in values.items()}
