"""Wheels of this tree, built from a clone, from an archive and from an sdist, and what they hold."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

from tests.builders.runs import ROOT

PIP = (
    sys.executable,
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-compile",
    "--no-deps",
    "--no-build-isolation",
    "--target",
)


def git(scratch: Path, *words: str) -> bytes:
    """Run git on this repository with an index and new objects of its own, so that nothing in `.git` changes."""
    inside = subprocess.check_output(["git", "rev-parse", "--git-path", "objects"], cwd=ROOT, text=True).strip()
    (scratch / "objects").mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        "GIT_INDEX_FILE": str(scratch / "index"),
        "GIT_OBJECT_DIRECTORY": str(scratch / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(ROOT / inside),
    }
    return subprocess.run(["git", *words], cwd=ROOT, env=env, check=True, capture_output=True).stdout


def checkouts(out: Path) -> dict[str, Path]:
    """Return two folders with the tree as it stands: links as links (a clone), and as text files (an archive)."""
    git(out / "git", "add", "--all")
    name = git(out / "git", "write-tree").decode().strip()
    for kind in ("tar", "zip"):
        (out / f"tree.{kind}").write_bytes(git(out / "git", "archive", f"--format={kind}", name))
    with tarfile.open(out / "tree.tar") as tar:
        tar.extractall(out / "clone", filter="data")
    with ZipFile(out / "tree.zip") as zipped:
        zipped.extractall(out / "archive")
    return {"clone": out / "clone", "archive": out / "archive"}


def sdist(folder: Path, out: Path) -> Path:
    """Return the folder that the source distribution of a folder unpacks to."""
    with tarfile.open(hatchling(folder, "sdist", out)) as file:
        file.extractall(out / "sdist", filter="data")
    (unpacked,) = (out / "sdist").iterdir()
    return unpacked


def hatchling(folder: Path, kind: str, out: Path) -> Path:
    """Build one distribution of a folder and return its path."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", out], cwd=folder, check=True)
    (built,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def build_wheels(out: Path) -> dict[str, Path]:
    """Return the wheels by the way in which they were built."""
    folders = checkouts(out)
    folders["sdist"] = sdist(folders["clone"], out)
    return {way: hatchling(folder, "wheel", out / f"wheel from {way}") for way, folder in folders.items()}


def held(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel by name."""
    with ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


def top_level(wheel: Path) -> set[str]:
    """Return what a wheel puts beside other packages, its metadata aside."""
    return {name.partition("/")[0] for name in held(wheel) if ".dist-info/" not in name}


def stub_wheel(folder: Path, modules: tuple[str, ...]) -> Path:
    """Return a wheel of somebody else's that owns top-level packages, each with a class `Agent` in it."""
    path = folder / "namesake-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: namesake\nVersion: 1.0\n"
    with ZipFile(path, "w") as file:
        for module in modules:
            file.writestr(f"{module}/__init__.py", f"class Agent:\n    owner = {module!r}\n")
        file.writestr("namesake-1.0.dist-info/METADATA", metadata)
        file.writestr("namesake-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = [*file.namelist(), "namesake-1.0.dist-info/RECORD"]
        file.writestr("namesake-1.0.dist-info/RECORD", "".join(f"{name},,\n" for name in names))
    return path


def install(site: Path, *wheels: Path) -> Path:
    """Install wheels one after the other into a folder and return it."""
    for wheel in wheels:
        subprocess.run([*PIP, str(site), str(wheel)], check=True)
    return site


def python(site: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder of packages, which go before the checkout that the tests themselves use."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=check,
    )
