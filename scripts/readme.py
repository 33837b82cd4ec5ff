#!/usr/bin/env python3
"""readme.py: what README.md quotes of the examples is what is compiled and run.

    scripts/readme.py              complains about each block that differs
    scripts/readme.py --write      puts what the examples have into README.md
    scripts/readme.py --self-test  does the check still find what it should?

A line <!-- examples/x.cpp --> stands before a block that is that file. Where the file has lines
"begin readme" and "end readme" in comments, it is only what they enclose.
"""
# SPDX-License-Identifier: MIT
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- (examples/\S+) -->\n+```\w*\n)(.*?)(^```$)", re.M | re.S)
PART = re.compile(r"^[^\n]*\bbegin readme\b[^\n]*\n(.*?)^[^\n]*\bend readme\b", re.M | re.S)


def quotable(text):
    """The part of an example that README.md shows."""
    parts = PART.findall(text)
    return "".join(textwrap.dedent(part) for part in parts) if parts else text


def differing(readme, read):
    """Yields (example, what it has or None) for blocks that differ; `read` gives a file's text."""
    for match in BLOCK.finditer(readme):
        text = read(match.group(2))
        if text is None or quotable(text) != match.group(3):
            yield match.group(2), text


def read_file(path):
    file = ROOT / path
    return file.read_text() if file.is_file() else None


def self_test():
    example = "int a;\n  // begin readme\n  int b;\n    int c;\n  // end readme\n"
    readme = "x\n<!-- examples/a.cpp -->\n```cpp\nint b;\n  int c;\n```\n"
    grumbles = [
        (readme, example, 0),
        (readme.replace("int c", "int d"), example, 1),
        (readme, None, 1),
        (readme, "int b;\n  int c;\n", 0),
        ("```cpp\nint z;\n```\n", example, 0),
    ]
    failed = sum(len(list(differing(text, lambda _, file=file: file))) != count
                 for text, file, count in grumbles)
    print(f"readme: self-test, {len(grumbles) - failed} of {len(grumbles)} as expected")
    return 1 if failed else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    path = ROOT / "README.md"
    readme = path.read_text()
    found = list(differing(readme, read_file))
    missing = [example for example, text in found if text is None]
    if "--write" in sys.argv and not missing:
        path.write_text(BLOCK.sub(
            lambda m: m.group(1) + quotable(read_file(m.group(2))) + m.group(4), readme))
        return 0
    for example, text in found:
        why = "there is no such file" if text is None else "scripts/readme.py --write mends it"
        print(f"README.md quotes {example}, which says something else: {why}")
    print(f"readme: {len(BLOCK.findall(readme))} quotations, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
