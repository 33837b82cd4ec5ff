#!/usr/bin/env python3
"""tidy.py: the rules of CONTRIBUTING.md that a program can check.

    scripts/tidy.py                 everything git knows here, or will be told of
    scripts/tidy.py src/core tests  only what lies below these paths
    scripts/tidy.py --headers       also: each header compiles alone
    scripts/tidy.py --self-test     do the checks themselves still find what they should?
"""
# SPDX-License-Identifier: MIT
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CPP = {".cpp", ".hpp", ".c", ".h"}
BINARY = {".png", ".gif", ".ico", ".bin", ".zst", ".gz"}

MAX_LINES = 400
MAX_TEST_LINES = 600
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 100

# Who may include whom. Public headers (sluice/...) may be included by everybody.
ARROWS = {
    "core": {"core"},
    "wire": {"wire", "core"},
    "store": {"store", "core"},
    "exec": {"exec", "core"},
    "monitor": {"monitor", "core"},
    "net": {"net", "wire", "store", "exec", "monitor", "core"},
    "c": {"c", "core"},
    "cli": {"cli", "net", "store"},
    "sluice": set(),
}
NOT_IN_CORE = {"thread", "mutex", "condition_variable", "fstream", "iostream"}
MSGPACK_HOMES = re.compile(r"^include/sluice/typed\.hpp$|src/wire/|src/exec/command_codec\.cpp$|src/store/\w+_codec\.cpp$|tests/")
ZMQ_HOMES = re.compile(r"src/net/|tests/")
CLOCK = re.compile(r"\b(?:system|steady|high_resolution)_clock\b|\bclock_gettime\b|\bgettimeofday\b")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep)\b|(?<![\w.>])sleep\s*\(")
PYTHON_SLEEP = re.compile(r"\b(?:time|asyncio)\.sleep\s*\(")
SLEEP_ALLOWED: set[str] = set()  # nobody, so far
# Left-over notes, and paths of somebody's own machine.
LEFT_OVER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
OWN_MACHINE = re.compile(r"(?<![\w.$}/*-])/(?:home|root|work|Users)/\w")

RAW_STRING = re.compile(r'R"([^()\\ ]{0,16})\((.*?)\)\1"', re.S)
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def blank(match):
    """The same number of lines, but nothing on them."""
    return " " + "\n" * match.group(0).count("\n")


def bare_code(text):
    """C++ without comments, strings and preprocessor lines; line numbers stay."""
    text = RAW_STRING.sub(lambda m: '""' + "\n" * m.group(0).count("\n"), text)
    text = TOKEN.sub(lambda m: blank(m) if m.group(0)[0] == "/" else '""', text)
    return PREPROCESSOR.sub(blank, text)


def functions(code):
    """Yields (first line, length) of each function body outside any other function."""
    stack = []  # of (kind, first line); kind is space, type, function or braces
    statement, first_line, line = "", 1, 1
    for char in code:
        if char == "\n":
            line += 1
        scoped = not stack or stack[-1][0] in ("space", "type")
        if char == "{":
            kind = brace_kind(statement) if scoped else "braces"
            stack.append((kind, first_line))
            if kind != "braces":
                statement = ""
        elif char == "}":
            kind, begun = stack.pop() if stack else ("space", line)
            if kind == "function":
                yield begun, line - begun + 1
            if kind != "braces":
                statement = ""
            elif not stack or stack[-1][0] in ("space", "type"):
                statement += "{}"
        elif char == ";" and scoped:
            statement = ""
        elif scoped:
            if not statement.strip():
                statement, first_line = "", line
            statement += char


def brace_kind(statement):
    """What a brace opens that follows this text at namespace or class level."""
    s = " ".join(statement.split())
    if re.search(r"\bTEST_SUITE(?:_BEGIN)?\s*\(", s) or re.search(r'\bextern\s*""', s):
        return "space"
    if re.match(r"(?:inline )?namespace\b", s):
        return "space"
    if re.match(r"(?:template ?<.*> ?)?(?:class|struct|union|enum)\b[^(]*$", s):
        return "type"
    s = re.sub(r"\balignas ?\([^)]*\)", "", s)
    if "(" not in s or re.search(r"=\s*$", s) or re.search(r"\) ?= ?\w*$", s):
        return "braces"
    # In `A::A() : a_{1}, b_(2) {` only the last brace opens the body.
    if re.search(r"\)[^()]*?(?<!:):(?!:)", s) and re.search(r"[:,] ?[\w:<>]+$", s):
        return "braces"
    return "function"


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_cpp(path, text):
    """Yields (line, complaint) for one C++ file; `path` is relative, with slashes."""
    name = path.rsplit("/", 1)[-1]
    lines = text.split("\n")
    if not re.match(rf"// {re.escape(name)}: \S", lines[0]):
        yield 1, f"the first line is not '// {name}: what lives here'"
    if len(lines) < 2 or lines[1] != "// SPDX-License-Identifier: MIT":
        yield 2, "the second line is not '// SPDX-License-Identifier: MIT'"
    if name.endswith(".hpp") and "\n#pragma once\n" not in text:
        yield 1, "no #pragma once"
    limit = MAX_TEST_LINES if path.startswith("tests/") else MAX_LINES
    if text.count("\n") > limit:
        yield limit, f"{text.count(chr(10))} lines; the limit is {limit}"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns; the limit is {MAX_COLUMNS}"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    code = bare_code(text)
    for number, length in functions(code):
        if length > MAX_FUNCTION_LINES:
            yield number, f"a function of {length} lines; the limit is {MAX_FUNCTION_LINES}"
    yield from check_includes(path, text)
    yield from check_words(path, code)
    yield from check_exports(path, code)


def check_includes(path, text):
    part = path.split("/")[1] if path.startswith(("src/", "include/")) else None
    for match in INCLUDE.finditer(text):
        target, number = match.group(2), line_of(text, match.start())
        if re.match(r"zmq(?:_addon)?\.hp?p?$", target) and not ZMQ_HOMES.match(path):
            yield number, "ZeroMQ is used in src/net only"
        if target.startswith("msgpack") and not MSGPACK_HOMES.match(path):
            yield number, "msgpack is used in src/wire and in codec files only"
        if part == "core" and target in NOT_IN_CORE:
            yield number, f"the core does without <{target}>"
        used = target.split("/")[0] if "/" in target else None
        if match.group(1) == '"' and used is None:
            yield number, "name a file of ours by its part: \"part/file.hpp\""
        if part in ARROWS and used in ARROWS and used != "sluice" and used not in ARROWS[part]:
            yield number, f"{part} may not include {used}"


def check_exports(path, code):
    """A class with functions in a source file must be seen outside of a shared library."""
    if not path.startswith("include/sluice/"):
        return
    public = re.sub(r"\nnamespace detail \{.*?\n\}", blank, code, flags=re.S)
    pattern = r"^(?:class (?!SLUICE_)\w+|struct (?!SLUICE_)\w+ : [^{]*(?:Error|error)\b)[^;{]*\{"
    for match in re.finditer(pattern, public, re.M):
        if not re.search(r"\btemplate\b[^;{}]*$", public[:match.start()]):
            yield line_of(public, match.start()), "a public class is a class SLUICE_API"


def check_words(path, code):
    for match in re.finditer(r"\busing\s+namespace\s+std\s*;", code):
        yield line_of(code, match.start()), "using namespace std"
    if path.startswith("src/core/"):
        for match in CLOCK.finditer(code):
            yield line_of(code, match.start()), "the core is told the time, it reads no clock"
    if path not in SLEEP_ALLOWED:
        for match in SLEEP.finditer(code):
            yield line_of(code, match.start()), "no sleeping: wait for an event, with a deadline"


def check_any(path, text):
    """Yields (line, complaint) for any text file."""
    for pattern, complaint in ((LEFT_OVER, "a left-over note"),
                               (OWN_MACHINE, "a path of one machine only")):
        for match in pattern.finditer(text):
            yield line_of(text, match.start()), f"{complaint}: {match.group(0)}"
    if path.startswith("tests/") and path.endswith(".py") and path not in SLEEP_ALLOWED:
        for match in PYTHON_SLEEP.finditer(text):
            yield line_of(text, match.start()), "no sleeping: wait for an event, with a deadline"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"


def check(path, text):
    yield from check_any(path, text)
    if pathlib.PurePath(path).suffix in CPP:
        yield from check_cpp(path, text)


def known_files():
    """What git tracks or would add; without git (an unpacked archive), what lies here."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"],
            check=True, capture_output=True).stdout.decode().split("\0")
        return sorted(p for p in listed if p and (ROOT / p).is_file())
    except (OSError, subprocess.CalledProcessError):
        return sorted(
            str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
            if p.is_file() and not {".git", "build"} & set(p.relative_to(ROOT).parts))


def compile_alone(header):
    """Yields a complaint if this header needs another one before it."""
    include = header.split("/", 1)[1]
    command = [os.environ.get("CXX", "g++"), "-std=c++20", "-fsyntax-only", "-DMSGPACK_NO_BOOST",
               "-I", str(ROOT / "include"), "-I", str(ROOT / "src"), "-x", "c++", "-"]
    done = subprocess.run(command, input=f'#include "{include}"\n', text=True, capture_output=True)
    if done.returncode != 0:
        first = next((x for x in done.stderr.split("\n") if "error:" in x), done.stderr.strip())
        yield 1, f"does not compile alone: {first}"


def self_test():
    good = "// a.cpp: x.\n// SPDX-License-Identifier: MIT\n"
    long_body = "int f() {\n" + "  g();\n" * 69 + "}\n"
    fitting = "int f() {\n" + "  g();\n" * 68 + "}\n"
    grumbles = [  # (path, text, how many complaints)
        ("src/net/a.cpp", good, 0),
        ("src/net/b.cpp", good, 1),
        ("src/net/a.cpp", "int x;\n", 2),
        ("src/net/a.hpp", good.replace("a.cpp", "a.hpp"), 1),
        ("src/net/a.cpp", good + "//" + "-" * 99 + "\n", 1),
        ("src/net/a.cpp", good + "\n" * 398, 0),
        ("src/net/a.cpp", good + "\n" * 399, 1),
        ("tests/net/a.cpp", good + "\n" * 598, 0),
        ("src/net/a.cpp", good + fitting, 0),
        ("src/net/a.cpp", good + long_body, 1),
        ("src/net/a.cpp", good + "namespace a {\nclass B {\n" + long_body + "};\n}\n", 1),
        ("src/net/a.cpp", good + "A::A(int x) : a_{x}, b_(x) {\n" + "  g();\n" * 70 + "}\n", 1),
        ("src/net/a.cpp", good + "struct T {\n" + "  int f() { return 1; }\n" * 90 + "};\n", 0),
        ("src/net/a.cpp", good + "const T kTable[] = {\n" + "  {f(1), 2},\n" * 90 + "};\n", 0),
        ("tests/net/a.cpp", good + 'TEST_SUITE("a") {\n' + "int f() { return 1; }\n" * 90 + "}\n", 0),
        ("src/core/a.cpp", good + "#include <thread>\n", 1),
        ("src/core/a.cpp", good + "auto x = std::chrono::steady_clock::now();\n", 1),
        ("src/core/a.cpp", good + "// steady_clock is not read here\n", 0),
        ("src/core/a.cpp", good + '#include "wire/b.hpp"\n', 1),
        ("src/wire/a.cpp", good + '#include "store/b.hpp"\n#include "core/b.hpp"\n', 1),
        ("src/net/a.cpp", good + '#include "exec/b.hpp"\n#include <sluice/task.hpp>\n', 0),
        ("include/sluice/a.cpp", good + '#include "core/b.hpp"\n', 1),
        ("include/sluice/a.cpp", good + "class A {\n};\n", 1),
        ("include/sluice/a.cpp", good + "class SLUICE_API A : B {\n  class C;\n};\n", 0),
        ("include/sluice/a.cpp", good + "class A;\ntemplate <typename T>\nclass B {\n};\n", 0),
        ("include/sluice/a.cpp", good + "\nnamespace detail {\nclass A {\n};\n}\n", 0),
        ("src/cli/a.cpp", good + "#include <zmq.hpp>\n", 1),
        ("src/store/a.cpp", good + "#include <msgpack.hpp>\n", 1),
        ("src/exec/a.cpp", good + "using namespace std;\nusing namespace std::chrono_literals;\n", 1),
        ("tests/net/a.cpp", good + "std::this_thread::sleep_for(1s);\n", 1),
        ("tests/net/a.cpp", good + 'run("sleep 1"); const char c = \'"\'; run("sleep (1)");\n', 0),
        ("tests/e2e/a.py", "time" + ".sleep(1)\n", 1),
        ("docs/a.md", "TO" + "DO: more\n", 1),
        ("docs/a.md", "see /ho" + "me/me/sluice\n", 1),
        ("docs/a.md", "mktemp /tmp/x.XXXXXX", 1),
    ]
    failed = 0
    for path, text, count in grumbles:
        found = list(check(path, text))
        if len(found) != count:
            failed += 1
            print(f"self-test: {path}: {text[-60:]!r}: expected {count}, found {found}")
    print(f"tidy: self-test, {len(grumbles) - failed} of {len(grumbles)} as expected")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", help="files or folders, relative to the project")
    parser.add_argument("--headers", action="store_true", help="compile each header alone")
    parser.add_argument("--self-test", action="store_true", help="check the checks")
    args = parser.parse_args()
    if args.self_test:
        return self_test()

    wanted = [p.rstrip("/") for p in args.paths]
    files = [f for f in known_files()
             if not wanted or any(f == p or f.startswith(p + "/") for p in wanted)]
    complaints = []
    for path in files:
        data = (ROOT / path).read_bytes()
        in_corpus = str(path).startswith("tests/fuzz/corpus/")  # any bytes, as they must be
        if pathlib.PurePath(path).suffix in BINARY or b"\0" in data or in_corpus:
            continue
        text = data.decode("utf-8", errors="replace")
        complaints += [(path, number, what) for number, what in check(path, text)]
    if args.headers:
        headers = [f for f in files if f.endswith((".hpp", ".h")) and f.startswith(("src/", "include/"))]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for header, found in zip(headers, pool.map(lambda h: list(compile_alone(h)), headers)):
                complaints += [(header, number, what) for number, what in found]
        print(f"tidy: {len(headers)} headers compiled alone")
    for path, number, what in sorted(complaints):
        print(f"{path}:{number}: {what}")
    print(f"tidy: {len(files)} files, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
