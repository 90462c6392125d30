"""Builds and runs the smoke program of one language. Usage: run_smoke.py python|csharp|java BUILD_DIR

Exit code 77 tells meson that the test was skipped, because the language's tools are missing.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


def python(swig, scratch):
    run("/usr/bin/python3", HERE / "smoke.py", swig / "python", cwd=scratch)


def java(swig, scratch):
    sources = [HERE / "Smoke.java", ROOT / "bindings/swig/java/io/atoll/internal/NativeException.java",
               ROOT / "bindings/java/src/main/java/io/atoll/internal/Constants.java"]
    sources += sorted((swig / "java/io/atoll/internal").glob("*.java"))
    run("javac", "-nowarn", "--release", "8", "-Xlint:-options", "-encoding", "UTF-8", "-d", scratch, *sources)
    run("java", "-Xcheck:jni", "-cp", scratch, "Smoke", swig / "libatoll_java.so")


def csharp(swig, scratch):
    project = scratch / "project"
    shutil.copytree(HERE / "csharp", project)
    environment = dict(os.environ, DOTNET_CLI_TELEMETRY_OPTOUT="1", DOTNET_NOLOGO="1", LD_LIBRARY_PATH=str(swig))
    run("dotnet", "build", "-v", "q", "-nodeReuse:false", f"-p:AtollBuildDir={swig.parents[1]}", f"-p:AtollSourceDir={ROOT}",
        "-p:UseSharedCompilation=false", "-o", scratch / "out", project / "Smoke.csproj", env=environment)
    run("dotnet", scratch / "out/Smoke.dll", env=environment)


def main():
    language, build = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    tools = {"python": [], "csharp": ["dotnet"], "java": ["javac", "java"]}[language]
    if any(shutil.which(tool) is None for tool in tools):
        print(f"skipped: {', '.join(tools)} not found")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        {"python": python, "csharp": csharp, "java": java}[language](build / "bindings/swig", pathlib.Path(scratch))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as problem:
        print(f"failed: {' '.join(problem.cmd)}", file=sys.stderr)
        sys.exit(1)
