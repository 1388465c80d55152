"""What programs run of the words that they are given: which options stand before a script or a program, and what then.

This is a list of what is known to be harmless. An option that is not here is not known, and no value may follow it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

#: What comes behind the options: a file whose arguments follow, a module that is such a file, or another command.
Follows = Literal["script", "program"]


@dataclass(frozen=True, slots=True)
class Start:
    """How a program is told what to run. ``switches`` stand alone, ``taking`` have the next word for a value."""

    follows: Follows
    switches: re.Pattern[str]
    taking: re.Pattern[str]
    #: Words that stand before what is run, such as a duration.
    before: int = 0
    #: An option behind which a module's name is, or which has it in its group ``module``.
    modules: re.Pattern[str] | None = None
    #: An option behind which code is.
    code: re.Pattern[str] | None = None
    #: Words that must come first.
    first: tuple[str, ...] = ()
    #: A word behind which alone values may stand.
    opens: str | None = None


def _start(
    follows: Follows,
    switches: str = "",
    taking: str = "",
    *,
    before: int = 0,
    modules: str = "",
    code: str = "",
    first: tuple[str, ...] = (),
    opens: str | None = None,
) -> Start:
    def compiled(pattern: str) -> re.Pattern[str] | None:
        return re.compile(pattern) if pattern else None

    return Start(
        follows,
        re.compile(switches or "(?!)"),
        re.compile(taking or "(?!)"),
        before,
        compiled(modules),
        compiled(code),
        first,
        opens,
    )


#: A word without anything that a shell would put files or words in place of.
_TEXT = r"[^*?\[\]{}\s]+"
_TORCHRUN = _start(
    "script",
    rf"--standalone|--[a-z][\w-]*={_TEXT}",
    r"--(?:nproc[-_]per[-_]node|nnodes|node[-_]rank|rdzv[-_](?:backend|endpoint|id|conf)|master[-_](?:addr|port)"
    r"|local[-_]addr|max[-_]restarts|monitor[-_]interval|log[-_]dir|start[-_]method|role|tee|redirects)|-[rt]",
    modules="-m|--module",
)
_SHELL = _start(
    "script",
    r"[-+](?!o)[abefhikmnptuvxlBCEHPT]+|--(?:norc|noprofile|posix|login|verbose)",
    r"[-+][abefhkmnptuvxlBCEHPT]*[oO]|--rcfile|--init-file",
    code=r"[-+][A-Za-z]*c[A-Za-z]*",
)

#: By a pattern of the program's name.
_STARTS = {
    r"(?:python|pypy)w?[\d.]*": _start(
        "script",
        rf"-[bBdEiIOPqRsSuvx]+|-[WX]{_TEXT}",
        r"-[bBdEiIOPqRsSuvx]*[WX]|--check-hash-based-pycs",
        modules=rf"-[bBdEiIOPqRsSuvx]*m(?P<module>{_TEXT})?",
        code=r"-[bBdEiIOPqRsSuvx]*c.*",
    ),
    r"(?:ba|da|a|k|z)?sh": _SHELL,
    r"Rscript": _start("script", rf"--(?:vanilla|verbose|no-[a-z-]+|default-packages={_TEXT})", code="-e|--eval"),
    r"R": _start(
        "script", rf"--(?:vanilla|quiet|silent|slave|no-[a-z-]+|file={_TEXT})|-[qs]", "-f", code="-e", opens="--args"
    ),
    r"perl[\d.]*": _start("script", rf"-[wWtT]+|-[IM]{_TEXT}", "-I", code=r"-[A-Za-z0-9]*[eE].*"),
    r"ruby[\d.]*": _start("script", rf"-[wW]\d?|-[Ir]{_TEXT}", "-[Ir]", code=r"-[A-Za-z]*e.*"),
    r"julia": _start(
        "script", rf"-q|-O\d|--(?!eval|print|load)[a-z][a-z-]*={_TEXT}", "-t|--threads|-p|--procs", code="-[eEL].*"
    ),
    r"node|nodejs": _start(
        "script", r"--(?:no-warnings|enable-source-maps|max-old-space-size=\d+)", "-r|--require", code="-[ep].*"
    ),
    r"php[\d.]*|lua[\d.]*|luajit": _start("script", code="-[re].*"),
    r"java": _start("script", rf"-jar|-ea|-[XD]{_TEXT}", "-cp|-classpath|--class-path"),
    r"spark-submit": _start(
        "script",
        "-v|--verbose",
        r"--(?:master|deploy-mode|name|conf|class|jars|packages|py-files|files|archives|properties-file|queue"
        r"|driver-memory|driver-cores|executor-memory|executor-cores|num-executors|total-executor-cores)",
    ),
    r"torchrun": _TORCHRUN,
    r"accelerate": _start(
        "script",
        rf"--(?:multi[-_]gpu|cpu|tpu|mps|same[-_]network)|--[a-z][\w-]*={_TEXT}",
        r"--(?:config[-_]file|num[-_]processes|num[-_]machines|machine[-_]rank|main[-_]process[-_](?:ip|port)"
        r"|mixed[-_]precision|gpu[-_]ids|num[-_]cpu[-_]threads[-_]per[-_]process|dynamo[-_]backend)",
        modules="-m|--module",
        first=("launch",),
    ),
    r"time": _start("program", "-[apv]+", "-[fo]"),
    r"nohup|command|exec": _start("program"),
    r"nice": _start("program", r"-n?-?\d+|--adjustment=-?\d+", "-n|--adjustment"),
    r"ionice": _start("program", r"-[cn]\d|-t", "-[cn]"),
    r"setsid": _start("program", "-[cfw]+|--fork|--wait|--ctty"),
    r"timeout": _start(
        "program",
        rf"--(?:foreground|preserve-status|verbose)|-[fpv]|--(?:signal|kill-after)={_TEXT}|-[ks]{_TEXT}",
        "-[ks]|--signal|--kill-after",
        before=1,
    ),
    r"stdbuf": _start("program", rf"-[ioe][0-9L]\w*|--(?:input|output|error)={_TEXT}", "-[ioe]"),
    r"taskset": _start("program", "-[ac]+|--cpu-list|--all-tasks", before=1),
    r"numactl": _start(
        "program", rf"--(?:cpunodebind|membind|physcpubind|interleave|preferred)={_TEXT}|-l", "-[NmCip]"
    ),
    r"env": _start(
        "program", rf"-[i0v]+|-|--ignore-environment|-u{_TEXT}|--(?:unset|chdir)={_TEXT}", "-[uC]|--unset|--chdir"
    ),
    r"xargs": _start("program", r"-[0rtx]+|-[nPLs]\d+|--null|--no-run-if-empty|--verbose", "-[nPLsd]"),
    r"sudo": _start("program", "-[EHn]+", "-[ug]"),
    r"mpirun|mpiexec": _start(
        "program", "--allow-run-as-root|--oversubscribe", "-n|-np|-N|-host|--host|--hostfile|-hostfile|-machinefile"
    ),
    r"srun": _start("program", rf"--[a-z][a-z-]*={_TEXT}|-[nNcpGt]\d+", "-[nNcpGtJAw]"),
    r"uv": _start(
        "program",
        rf"--(?:frozen|locked|no-sync|isolated|active|offline|no-project|quiet|no-dev)|-[qv]+|--[a-z-]+={_TEXT}",
        r"--(?:with|with-requirements|python|extra|group|project|directory|env-file|package)|-p",
        first=("run",),
    ),
    r"poetry": _start("program", first=("run",)),
}
_PATTERNS = [(re.compile(name), start) for name, start in _STARTS.items()]
#: Modules that run what they are given, and how those are told that are known.
MODULES = {"torch.distributed.run": _TORCHRUN, "torch.distributed.launch": _TORCHRUN}
RUNNING_MODULES = frozenset(
    "IPython jupyter nbconvert papermill pytest nose2 tox nox coverage kernprof line_profiler memory_profiler mprof "
    "scalene pyinstrument viztracer debugpy ptpython bpython xonsh fire accelerate deepspeed horovod ray dask celery "
    "honcho supervisor mlflow autotrack pip uv poetry pipenv hatch setuptools build virtualenv torch mpi4py pyspark "
    "streamlit gunicorn uvicorn hypercorn luigi airflow dotenv watchdog py_spy snakemake invoke fabric ansible".split()
)


def is_runner(module: str) -> bool:
    """True for a module of Python's own, or one that is known to run what it is given."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top in RUNNING_MODULES


#: Programs that run or parse what they are given and for which no place of a value is known to be safe.
_RUNNING = re.compile(
    r"[gmn]?awk|sed|gsed|jq|yq|ssh|scp|sftp|su|runuser|doas|pkexec|watch|parallel|script|flock|find|fd|git|hg|svn|make|"
    r"gmake|cmake|ninja|ctest|tar|bsdtar|zip|cpio|sort|split|rsync|busybox|toybox|chroot|unshare|nsenter|setpriv|capsh|"
    r"chrt|prlimit|firejail|bwrap|systemd-run|start-stop-daemon|daemon|tini|dumb-init|gosu|su-exec|setarch|linux(?:32|64)|"
    r"ld(?:-linux[\w.-]*|\.so[\w.]*)|strace|ltrace|perf|gdb|lldb|valgrind|rr|expect|unbuffer|tmux|screen|dtach|at|batch|"
    r"crontab|entr|inotifywait|xvfb-run|dbus-run-session|dbus-launch|proot|fakeroot|faketime|catchsegv|ccache|distcc|"
    r"c?sh|tcsh|rc|es|fish|pwsh|powershell|cmd|xonsh|nu|elvish|expr|bc|dc|ed|ex|vi|vim|nvim|view|emacs|nano|less|more|man|"
    r"m4|tclsh|wish|ipython[\d.]*|bpython|ptpython|jupyter|papermill|deno|bun|npm|npx|yarn|pnpm|tsx|ts-node|osascript|"
    r"octave|matlab|sage|maxima|gp|gnuplot|scala|groovy|clojure|clj|jshell|kotlin|go|cargo|rustc|gcc|g\+\+|cc|clang|ghc|"
    r"runghc|stack|cabal|erl|elixir|iex|mix|swift|dotnet|mono|wine|racket|guile|sbcl|clisp|ocaml|sqlite3|psql|mysql|"
    r"mariadb|mongo|mongosh|redis-cli|duckdb|bq|docker|podman|nerdctl|kubectl|oc|lxc|apptainer|singularity|charliecloud|"
    r"conda|mamba|micromamba|pip[\d.]*|pipx|pipenv|pdm|rye|hatch|tox|nox|pixi|uvx|pytest|coverage|kernprof|mprof|scalene|"
    r"py-spy|pyinstrument|viztracer|deepspeed|horovodrun|ray|dask|mlflow|autotrack|dotenv|direnv|doppler|chamber|"
    r"watchmedo|watchexec|nodemon|honcho|foreman|supervisord?|snakemake|nextflow|sbatch|salloc|qsub|bsub|aprun|jsrun|"
    r"sshpass|socat|nc|ncat|netcat|telnet|openssl|gpg|logrotate|run-parts|install|apt|apt-get|dpkg|yum|dnf|rpm|apk|brew|"
    r"snap|nix|nix-shell|nix-build|guix|module|streamlit|gunicorn|uvicorn|celery|luigi|airflow|invoke|inv|fab|just|task|"
    r"rake|bundle|gem|composer|mvn|gradle|ant|sbt|bazel|scons|meson|waf|dpkg-reconfigure|update-alternatives|ip|iptables"
)
#: Of those, the ones that take what comes in for data.
_FILTERS = re.compile(r"[gmn]?awk|sed|gsed|jq|yq|sort|less|more|split|tar|zip|openssl|gpg")
#: Programs of the system that run nothing, whatever they are given as long as it is no option.
_PLAIN = frozenset(
    ": true false cat cp mv rm ls mkdir rmdir touch ln head tail wc cut tr uniq sleep date dirname basename seq printf "
    "tee md5sum sha1sum sha256sum cmp diff grep egrep fgrep du df stat file realpath readlink chmod nl paste join comm "
    "fold column id whoami uname nproc gzip gunzip zcat unzip xz curl wget echo pwd".split()
)
_SYSTEM = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")

#: ``running``: it may run anything; ``filter``: too, but what comes in is data; ``plain``: it runs nothing; ``own``: it
#: is the project's, or of its environment.
Kind = Literal["running", "filter", "plain", "own"]


def start_of(program: str) -> Start | None:
    """How this program is told what to run, where that is known."""
    name = program.rpartition("/")[2]
    return next((start for pattern, start in _PATTERNS if pattern.fullmatch(name)), None)


@cache
def kind_of(program: str) -> Kind:
    """What a program without a Start does with its arguments.

    One that the system has and that is not known here may run anything; one of the project or of its environment is
    what the values are for.
    """
    folder, _, name = program.rpartition("/")
    if _FILTERS.fullmatch(name):
        return "filter"
    if _RUNNING.fullmatch(name):
        return "running"
    if name in _PLAIN:
        return "plain"
    if folder and folder not in _SYSTEM:
        return "own"
    return "running" if any(Path(system, name).exists() for system in _SYSTEM) else "own"


#: Variables by which a shell, a loader, an interpreter or a tool is told what to run or how to read.
TELLING_VARIABLES = re.compile(
    r"(?:LD|DYLD|NODE|NPM|GIT|SSH|R|JULIA|LUA|PHP|JAVA|JDK|GCONV|MALLOC|GLIBC|PIP|UV|CONDA|XDG|MAKE|CC|CXX|CPP|LESS|MAN|"
    r"SUDO|DOCKER|KUBE|SPARK|HADOOP|TERM|ENV|SHELL|HOME|TMPDIR|UID|EUID|PPID|PIPESTATUS|IFS|PS[0-4]|PROMPT|DIRSTACK|"
    r"SECONDS|LINENO|SRANDOM|RANDOM|FUNCNAME|TMOUT|REPLY|ZDOTDIR|GLOBIGNORE|OPTIND|OPTARG|OPTERR|AUTOTRACK|autotrack)"
    r"(?:_\w*)?|(?:PYTHON|PYSPARK|PERL|RUBY|BASH|JAVA|HIST|EPOCH|COMP|LESS|MAKE)\w*"
    r"|\w*(?:PATH|OPTIONS|OPTS?|FLAGS|COMMAND|CMD|PRELOAD|EDITOR|PAGER|BROWSER|STARTUP|HOOK|PROFILE|WRAPPER|LAUNCHER)"
)
