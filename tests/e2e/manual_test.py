#!/usr/bin/env python3
"""manual_test.py: man and the shells take what the build has written for them."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SLUICE = pathlib.Path(os.environ["SLUICE"]).resolve()
BOLD = re.compile("\x1b\\[[0-9;]*m|.\x08")
SHARE = SLUICE.parent / "share"
BASH = SHARE / "bash-completion" / "completions" / "sluice"


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


def complete(*words, folder=None):
    """What bash offers for the last word."""
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; ' \
             '((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"'
    done = run("bash", "-c", script, str(BASH), *words, cwd=folder)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return sorted(done.stdout.split("\n")[:-1])


def options_of(verb):
    """The long options that the help of a verb shows."""
    lines = run(SLUICE, verb, "--help").stdout.split("\n")
    heads = [line.split()[0] for line in lines if line.startswith("  -")]
    return {name for head in heads for name in head.split(",") if name.startswith("--")}


def verbs():
    lines = run(SLUICE, "--help").stdout.split("Verbs:\n")[1].split("\n\n")[0].split("\n")
    return [line.split()[0] for line in lines if not line.startswith("   ")]


class Pages(unittest.TestCase):
    def test_each_verb_has_a_page(self):
        names = {page.name for page in (SHARE / "man" / "man1").iterdir()}
        self.assertEqual(names, {"sluice.1"} | {f"sluice-{verb}.1" for verb in verbs()})

    @unittest.skipUnless(shutil.which("man"), "no man here")
    def test_man_renders_each_page_without_warnings_and_shows_all_options(self):
        for verb in verbs():
            page = SHARE / "man" / "man1" / f"sluice-{verb}.1"
            shown = run("man", "--warnings=w", "-Tutf8", "-E", "UTF-8", "-l", page,
                        env=dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8"))
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), page)
            text = BOLD.sub("", shown.stdout)
            self.assertIn("SYNOPSIS", text)
            for option in options_of(verb):
                self.assertIn(option, text, page)

    @unittest.skipUnless(shutil.which("man"), "no man here")
    def test_man_renders_the_page_of_the_program(self):
        shown = run("man", "--warnings=w", "-Tutf8", "-l", SHARE / "man" / "man1" / "sluice.1")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))


class Bash(unittest.TestCase):
    def test_the_script_is_bash(self):
        done = run("bash", "-n", BASH)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_verbs(self):
        self.assertEqual(complete("sluice", "ru"), ["run"])
        self.assertLess(set(verbs()), set(complete("sluice", "")))

    def test_options(self):
        self.assertEqual(complete("sluice", "run", "--jo"), ["--joblog", "--jobs", "--journal"])
        for verb in verbs():
            offered = {word for word in complete("sluice", verb, "--")}
            self.assertEqual(options_of(verb), offered, verb)

    def test_values(self):
        self.assertEqual(complete("sluice", "run", "--output", ""), ["json", "quiet", "text"])
        self.assertEqual(complete("sluice", "status", "--output", "=", "j"), ["json"])
        self.assertEqual(complete("sluice", "status", "--output", "="), ["json", "text"])
        self.assertEqual(complete("sluice", "run", "--jobs", ""), [])

    def test_files_and_folders(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "team.access").touch()
            (path / "a file").touch()
            (path / "folder").mkdir()
            everything = ["a file", "folder", "team.access"]
            self.assertEqual(complete("sluice", "worker", "--access", "", folder=folder), everything)
            self.assertEqual(complete("sluice", "worker", "--access", "te", folder=folder),
                             ["team.access"])
            self.assertEqual(complete("sluice", "run", "--workdir", "", folder=folder), ["folder"])
            # Behind a command come its own arguments.
            for words in (["--", "cat"], ["-j8", "-k", "cat"], ["--jobs", "8", "cat", ":::"],
                          ["--joblog", "=", "x", "cat"]):
                self.assertEqual(complete("sluice", "run", *words, "", folder=folder), everything)
                self.assertEqual(complete("sluice", "run", *words, "--", folder=folder), [])

    def test_commands(self):
        self.assertIn("cat", complete("sluice", "run", "-j8", "ca"))
        self.assertIn("cat", complete("sluice", "submit", "--key", "x", "--", "ca"))
        self.assertEqual(complete("sluice", "status", "ca"), [])


@unittest.skipUnless(shutil.which("zsh"), "no zsh here")
class Zsh(unittest.TestCase):
    SCRIPT = SHARE / "zsh" / "site-functions" / "_sluice"

    def test_the_script_is_zsh(self):
        done = run("zsh", "-n", self.SCRIPT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
