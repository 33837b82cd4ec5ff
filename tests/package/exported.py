#!/usr/bin/env python3
"""exported.py: what a shared library shows is what the public headers mark, all of it and no more.

    exported.py LIBRARY INCLUDE_FOLDER
"""
# SPDX-License-Identifier: MIT
import pathlib
import re
import subprocess
import sys

PREFIX = re.compile(r"^(?:typeinfo for|typeinfo name for|vtable for|guard variable for) ")


def marked_names(include):
    """Names of what is marked: all of C++, of it what may be in headers alone, functions of C."""
    names, inline, c_names = set(), set(), set()
    for header in include.rglob("*.hpp"):
        for match in re.finditer(r"^[^\n/*#]*\bSLUICE_API\s+(.*?)(\(|\{| :|;)",
                                 header.read_text(), re.M):
            if match.group(2) == ";":  # a class that is only announced
                continue
            name = match.group(1).split()[-1].lstrip("*&")
            names.add(name)
            if match.group(2) == " :":  # an exception, which the library may never throw
                inline.add(name)
    for header in include.rglob("*.h"):
        c_names |= set(re.findall(r"^SLUICE_C_API\b[^;(]*?(\w+)\(", header.read_text(), re.M))
    return names, inline, c_names


def main():
    library, include = sys.argv[1], pathlib.Path(sys.argv[2])
    names, inline, c_names = marked_names(include)
    listed = subprocess.run(["nm", "-DC", "--defined-only", library], check=True,
                            capture_output=True, text=True).stdout.splitlines()
    seen, wrong = set(), []
    for line in listed:
        symbol = re.sub(r"@@?SLUICE_[\d.]+$", "", re.sub(r"^[0-9a-f]+ \w ", "", line))
        bare = PREFIX.sub("", symbol)
        owner = re.match(r"sluice::(?:testing::)?(\w+)", bare)
        if re.fullmatch(r"SLUICE_[\d.]+", symbol):
            continue
        if bare in c_names:
            seen.add(bare)
        elif owner and owner.group(1) in names and not re.search(r"\bImpl\b", bare):
            seen.add(owner.group(1))
        else:
            wrong.append(symbol)
    for symbol in wrong:
        print(f"shown, but not marked in a public header: {symbol}")
    hidden = sorted((names - inline | c_names) - seen)
    for name in hidden:
        print(f"marked in a public header, but not shown: {name}")
    print(f"exported: {len(listed)} symbols of {len(names)} classes and functions, "
          f"{len(c_names)} functions of C")
    return 1 if wrong or hidden or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
