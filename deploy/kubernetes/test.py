#!/usr/bin/env python3
"""Checks all below deploy/kubernetes and deploy/helm: deploy/kubernetes/test.py [-v] [NAME...]

NAME is a part of a test's name. Packages that Python does not bring are installed once into a virtual environment in the
temporary folder; where that fails, the tests that need them are skipped. TIDELOCK_SERVER_BIN names the tidelock-server to
test with; without it, it is looked for in target/release, target/debug and on PATH.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent / "tests"
REQUIREMENTS = TESTS / "requirements.txt"
INSIDE = "TIDELOCK_KUBE_TESTS_INSIDE"
INSTALL_TIMEOUT_S = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test")
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only tests with this in their names")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        try:
            python = environment()
        except (OSError, subprocess.SubprocessError) as why:
            detail = (getattr(why, "stderr", None) or str(why)).strip().splitlines()[-1]
            print(f"no packages, tests that need them are skipped: {detail}", file=sys.stderr)
        else:
            os.environ[INSIDE] = "yes"
            os.execv(python, [str(python), *sys.argv])
    return run(options)


def environment():
    """The Python of a virtual environment that has the requirements. Its folder is named after them, so that others are
    installed afresh, and gets that name when it is complete: two runs at once do not meet half of one."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    name = f"tidelock-kube-tests-{os.getuid()}-{digest}"
    folder = pathlib.Path(tempfile.gettempdir()) / name
    if not folder.exists():
        install(name, folder)
    status = folder.lstat()
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        raise OSError(f"{folder} is not a folder of yours")
    python = folder / "bin" / "python"
    if not python.exists():
        raise OSError(f"{folder} has no Python any more: remove it")
    return python


def install(name, folder):
    quiet = {"check": True, "capture_output": True, "text": True, "timeout": INSTALL_TIMEOUT_S}
    unfinished = tempfile.mkdtemp(prefix=f"{name}-")
    try:
        subprocess.run([sys.executable, "-m", "venv", unfinished], **quiet)
        pip = [f"{unfinished}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], **quiet)
        try:
            os.rename(unfinished, folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def run(options):
    sys.path.insert(0, str(TESTS))
    sys.dont_write_bytecode = True
    loader = unittest.TestLoader()
    if options.names:
        loader.testNamePatterns = [f"*{name}*" for name in options.names]
    suite = loader.discover(str(TESTS), pattern="test_*.py", top_level_dir=str(TESTS))
    result = unittest.TextTestRunner(verbosity=2 if options.verbose else 1).run(suite)
    failed = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    skipped = {getattr(test, "test_case", test).id() for test, _ in result.skipped} - failed
    for reason in sorted({reason for _, reason in result.skipped}):
        print(f"skipped: {reason}")
    passed = max(result.testsRun - len(failed) - len(skipped), 0)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    if result.testsRun == 0:
        print("error: no test has such a name", file=sys.stderr)
    return 1 if failed or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
