"""Where a value would be read as code or as an option of an interpreter: such commands are refused, not escaped.

A value is one argument of the program and nothing else. Quoting cannot give that where a second program parses it, so
the program has to be one that the command spells out, and the value has to stand behind all that tells it what to run.
What is not known (an option, a program of the system, a word that the shell makes up) may not stand before a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from autotrack.plugin import UsageError

from .programs import MODULES, TELLING_VARIABLES, Start, is_runner, kind_of, start_of
from .templates import Expansion, Placeholder, Word, filled, literal

#: Words of the shell that read a value as a name, an expression or a script, or that choose what is run later.
_SHELL_WORDS = frozenset(
    "eval let declare typeset local readonly integer unset read mapfile readarray source . trap alias unalias set "
    "shift shopt hash enable bind complete compgen getopts select coproc builtin ulimit umask wait cd pushd popd "
    "fc jobs fg bg kill disown history caller exit return break continue logout suspend type".split()
)
#: Those that take what comes in for more than data.
_SHELL_READERS = frozenset("eval read mapfile readarray source . select coproc trap".split())
#: Words after which a command comes.
_BEFORE_COMMANDS = frozenset("then do else elif if while until ! {".split())
_AFTER_COMMANDS = frozenset("} fi done esac".split())
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)\+?=")
#: What a program may be called, and what may be in a word that is to be a script: nothing that a shell replaces.
_PROGRAM = re.compile(r"[A-Za-z0-9_./~+@:%,=-]+|\[")
_REPLACED = re.compile(r"[*?\[\]{}]")
#: Options of programs of the environment behind which a command stands.
_COMMANDING = re.compile(r"--(?:[\w-]+-)?(?:exec|command|cmd|shell|program|checkpoint-action)(?:=.*)?", re.DOTALL)


@dataclass(slots=True)
class Told:
    """What a command's words are judged by. ``tainted``: variables of the shell that hold values."""

    values: Mapping[str, str]
    template: str
    tainted: frozenset[str] = field(default_factory=frozenset)
    #: What comes in on its standard input holds values.
    is_fed: bool = False
    is_shell: bool = False

    def holds(self, word: Word) -> bool:
        """True where a value, or what was made of one, goes into the word."""
        return any(
            isinstance(item, Placeholder)
            or (isinstance(item, Expansion) and (item.carries or bool(item.names & self.tainted)))
            for item in word
        )

    def splits(self, word: Word) -> bool:
        """True where the word may become several, and they may be anybody's."""
        return self.holds(word) and any(isinstance(item, Expansion) and item.splits for item in word)


def check_words(words: Sequence[Word], told: Told) -> None:
    """UsageError where a value in one simple command could be anything but an argument of a program it spells out."""
    for word in words:
        check_expansions(word, told)
    words = _command(words, told) if told.is_shell else words
    if words and (told.is_fed or any(map(told.holds, words))):
        _check_program(words, told)
    elif words:
        _check_code(words, told)


def check_expansions(word: Word, told: Told) -> None:
    """UsageError where what holds a value is read once more in the word."""
    for item in word:
        if isinstance(item, Expansion) and item.reads and told.holds([item]):
            refuse(told.template, "the shell would read a value once more")


def assigned(words: Sequence[Word]) -> list[tuple[str, Word]]:
    """The variables that a simple command sets, and to what."""
    found = []
    texts = [literal(word) for word in words]
    while texts and texts[0] in _BEFORE_COMMANDS:
        words, texts = words[1:], texts[1:]
    if texts and texts[0] == "for" and len(words) > 1:
        return [(texts[1], [item for word in words[2:] for item in word])]
    rest = words[1:] if texts and texts[0] == "export" else words
    for word in rest:
        name = _name_assigned(word)
        if name is not None:
            found.append((name, word))
        elif rest is words:
            break
    return found


def _name_assigned(word: Word) -> str | None:
    """The variable that the word assigns to, if it is an assignment whose name is spelled out."""
    leading = []
    for item in word:
        if not isinstance(item, str):
            break
        leading.append(item)
    match = _ASSIGNMENT.match("".join(leading))
    return match["name"] if match else None


def _command(words: Sequence[Word], told: Told) -> Sequence[Word]:
    """The words of a shell's command without what stands before its program."""
    while words:
        first = _spelled(words[0])
        if first in _BEFORE_COMMANDS:
            words = words[1:]
        elif first == "function":
            words = words[2:]
        elif first in _AFTER_COMMANDS and any(map(told.holds, words)):
            refuse(told.template, f"a value stands behind {first}")
        elif first == "for" or first in _AFTER_COMMANDS:
            return ()
        elif first == "case":
            if any(map(told.holds, words[2:])):
                refuse(told.template, "a value would be a pattern")
            return ()
        elif (name := _name_assigned(words[0])) is not None:
            if told.holds(words[0]):
                _check_variable(name, told)
            words = words[1:]
        else:
            break
    return words


def _check_variable(name: str, told: Told) -> None:
    if TELLING_VARIABLES.fullmatch(name):
        refuse(told.template, f"{name} tells programs what to run or where to look")


def _check_program(words: Sequence[Word], told: Told) -> None:
    program = _spelled(words[0])
    if program is None or not _PROGRAM.fullmatch(program):
        refuse(told.template, "a value would choose which program runs")
    name = program.rpartition("/")[2]
    if program in _SHELL_WORDS:
        if any(map(told.holds, words)) or program in _SHELL_READERS:
            refuse(told.template, f"`{program}` does more with its words than to hand them on")
    elif program == "export":
        for word in words[1:]:
            if told.holds(word):
                variable = _name_assigned(word)
                if variable is None or told.splits(word):
                    refuse(told.template, "a value would choose a variable")
                _check_variable(variable, told)
    elif name in ("test", "["):
        _check_test(words[1:], told)
    elif (start := start_of(program)) is not None:
        _check_start(program, words[1:], start, told)
    else:
        _check_arguments(program, name, words[1:], told)


def _check_test(words: Sequence[Word], told: Told) -> None:
    if not any(map(told.holds, words)):
        return
    texts = [_spelled(word) for word in words]
    texts = texts[:-1] if texts and texts[-1] == "]" else texts
    words = words[: len(texts)]
    if texts and texts[0] == "!":
        words, texts = words[1:], texts[1:]
    compared = len(words) == 3 and texts[1] in ("=", "==", "!=") and texts[0] not in ("!", "(")
    asked = len(words) == 2 and texts[0] in ("-n", "-z", "-e", "-f", "-d", "-s", "-r")
    if any(map(told.splits, words)) or not (compared or asked):
        refuse(told.template, "a test reads values as operators and names; only =, !=, -n, -z and files are known")


def _check_start(program: str, words: Sequence[Word], start: Start, told: Told) -> None:
    """The words behind a program that is told by its options what to run."""
    at = 0

    def spelled(what: str) -> str:
        text = _spelled(words[at]) if at < len(words) else None
        if text is None or _REPLACED.search(text):
            refuse(told.template, f"{program} would take a value, or what is not known before, for {what}")
        return text

    for expected in start.first:
        if spelled("what it is to do") != expected:
            refuse(told.template, f"it is not known what {program} does with {_spelled(words[at])}")
        at += 1
    while at < len(words):
        text = _spelled(words[at])
        if text is not None and start.code is not None and start.code.fullmatch(text):
            if any(map(told.holds, words)):
                refuse(told.template, f"{program} {text} runs what follows")
            return  # what comes in is what that code asks for
        if text is None or not text.startswith(("-", "+")):
            break
        module = start.modules.fullmatch(text) if start.modules is not None else None
        if module is not None:
            attached = module.groupdict().get("module")
            at += 0 if attached else 1
            _check_module(attached or spelled("the name of a module"), words[at + 1 :], told)
            return
        if text == "--" and start.opens is None:
            at += 1
            break
        if text == start.opens:
            return
        if start.taking.fullmatch(text):
            at += 1
            spelled(f"the value of its option {text}")
        elif not start.switches.fullmatch(text):
            refuse(told.template, f"it is not known what {program} does with {text}, and so not what a value would be")
        at += 1
    if start.opens is not None:
        refuse(told.template, f"values for {program} stand behind {start.opens}")
    for _ in range(start.before):
        spelled("what tells it how to run")
        at += 1
    if start.follows == "script":
        script = _script(words[at], told) if at < len(words) else None
        if script is None or script.startswith(("-", "+")):
            refuse(told.template, f"{program} would take a value, or what comes in, for its script")
        return
    if program.rpartition("/")[2] == "env":
        while at < len(words) and (variable := _name_assigned(words[at])) is not None:
            if told.splits(words[at]):
                refuse(told.template, "a value would choose which program runs")
            if told.holds(words[at]):
                _check_variable(variable, told)
            at += 1
    inner = list(words[at:])
    if program.rpartition("/")[2] == "xargs" and told.is_fed and inner:
        inner.append([Expansion(frozenset(), carries=True, splits=True)])
    if inner:
        _check_program(inner, told)


def _script(word: Word, told: Told) -> str | None:
    """The name of a script that no value chooses: spelled out, or a file below what a variable names."""
    text = _spelled(word)
    if text is not None:
        return None if _REPLACED.search(text) else text
    known = literal(word)
    return known if not told.holds(word) and re.fullmatch(r"(?:/[\w.-]+)*/[\w-]+\.\w+", known) else None


def _check_module(module: str, words: Sequence[Word], told: Told) -> None:
    if module in MODULES:
        _check_start(module, words, MODULES[module], told)
        return
    top = module.partition(".")[0]
    if (is_runner(module) or not re.fullmatch(r"[\w.]+", module)) and any(map(told.holds, words)):
        refuse(told.template, f"the module {module} may run what it is given")
    if told.is_fed and top in ("code", "pdb", "asyncio", "IPython"):
        refuse(told.template, f"the module {module} may run what comes in")


def _check_arguments(program: str, name: str, words: Sequence[Word], told: Told) -> None:
    kind = kind_of(program)
    held = [at for at, word in enumerate(words) if told.holds(word)]
    if not held:
        if kind == "running":
            refuse(told.template, f"{program} may run what comes in")
        return
    if kind in ("running", "filter"):
        refuse(told.template, f"{program} may run what it is given")
    for at in held:
        before = literal(words[at - 1]) if at else ""
        if _COMMANDING.fullmatch(before) or _COMMANDING.fullmatch(literal(words[at])):
            refuse(told.template, f"{program} may run what it is given there")
        if kind == "plain" and name != "echo" and _may_be_option(words[at], told):
            refuse(told.template, f"{program} would read {filled(words[at], told.values)!r:.60} as an option")
    if name == "printf" and any(literal(word).startswith("-") for word in words):
        refuse(told.template, "-v takes a name, which the shell evaluates")


def _may_be_option(word: Word, told: Told) -> bool:
    """True where a word that holds a value is an option, or may be one."""
    first = next((item for item in word if item != ""), None)
    return isinstance(first, Expansion) or filled(word, told.values).startswith("-") or told.splits(word)


def _check_code(words: Sequence[Word], told: Told) -> None:
    """Code that a command spells out, and that a shell reads: it is to name no variable that holds a value."""
    if told.tainted and any(_spelled(word) in ("eval", "trap") or _is_code(_spelled(word)) for word in words):
        named = re.compile(r"\$\{?[!#]?(?:" + "|".join(map(re.escape, sorted(told.tainted))) + r")(?!\w)")
        if any(named.search(literal(word)) for word in words):
            refuse(told.template, "code of a shell names a variable that holds a value")


def _is_code(text: str | None) -> bool:
    start = start_of("sh")
    return text is not None and start is not None and start.code is not None and bool(start.code.fullmatch(text))


def _spelled(word: Word) -> str | None:
    """The word's text where it is all spelled out."""
    return literal(word) if all(isinstance(item, str) for item in word) else None


def refuse(template: str, why: str) -> NoReturn:
    """The UsageError that says why a command is not run."""
    raise UsageError(
        f"the command {template!r:.200} is not run with these parameters: {why}; write it so that the value is an "
        "argument of your own program"
    )
