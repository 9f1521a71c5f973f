"""Carries out the recipes of docs/adding.md: recipe.py SOURCE BUILD.

In a copy of the tree SOURCE the page's blocks are applied; what they change is compiled, all else is taken from the folder
BUILD, in which SOURCE has been built. Then the tests that the page names are run, and the example jobs.
"""
import pathlib
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np

source, built = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
work = built / "tests" / "recipe"
tree, build = work / "tree", work / "build"


def run(*words, **options):
    words = [str(word) for word in words]
    print("+", " ".join(words), flush=True)
    return subprocess.run(words, check=True, text=True, **options)


def copy_of_tree():
    """Folders are real, files are links, so that what is written lies in the copy alone."""
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("CMakeLists.txt", "cluster", "docs", "jobs", "operators", "pipeline", "tests", "workers"):
        if (source / name).is_dir():
            shutil.copytree(source / name, tree / name, copy_function=lambda file, link: pathlib.Path(link).symlink_to(file))
        else:
            tree.mkdir(parents=True)
            (tree / name).symlink_to(source / name)
    if (source / ".deps").exists():
        (tree / ".deps").symlink_to(source / ".deps")


def write(name, text):
    path = tree / name
    assert ".." not in path.parts, name
    path.unlink(missing_ok=True)
    path.write_text(text)


def change(name, lines):
    """Puts the lines with + where those with a blank, and those with - that they replace, stand."""
    text = (tree / name).read_text()
    before = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
    after = "".join(line[1:] + "\n" for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"{name}: these lines stand there {text.count(before)} times\n{before}"
    write(name, text.replace(before, after))


def apply_page():
    page = (source / "docs" / "adding.md").read_text()
    applied = []
    for kind, name, text in re.findall(r"^```(\w+)\n\+\+\+ (\S+)\n(.*?)^```$", page, re.S | re.M):
        if kind == "diff":
            change(name, text.splitlines())
        else:
            assert not (tree / name).exists(), f"{name} is there already"
            write(name, text)
        applied.append(name)
    return applied


def cached(name):
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", (built / "CMakeCache.txt").read_text(), re.M)
    return found.group(1) if found else ""


def configure(changed):
    settings = ["CMAKE_BUILD_TYPE", "CMAKE_CXX_COMPILER", "CMAKE_CXX_FLAGS", "CMAKE_CXX_FLAGS_DEVELOPMENT", "CMAKE_PREFIX_PATH",
                "CMAKE_UNITY_BUILD", "DIFFINV_SANITIZE", "DIFFINV_WARNINGS_AS_ERRORS", "LIBTORCH_ROOT"]
    options = [f"-D{name}={cached(name)}" for name in settings if cached(name)]
    run("cmake", "-G", cached("CMAKE_GENERATOR"), "-S", tree, "-B", build, "-DDIFFINV_CUDA=OFF", f"-DDIFFINV_BUILT={built}",
        f"-DDIFFINV_CHANGED={';'.join(changed)}", f"-DCMAKE_PROJECT_diffinv_INCLUDE={source / 'tests' / 'docs' / 'reuse.cmake'}",
        *options, stdout=subprocess.DEVNULL)


def check_job(name, options, column, values):
    """The example runs to its end with few steps, and its column has the values of the job's list."""
    output = work / name
    shutil.rmtree(output, ignore_errors=True)
    job = tree / "jobs" / "examples" / f"{name}.ini"
    refused = subprocess.run([built / "diffinv", "plan", job], capture_output=True, text=True)
    assert refused.returncode == 2 and name in refused.stderr, "the program knew it before the recipe"
    run(build / "diffinv", "plan", job)
    run(build / "diffinv", "run", job, "--shard", "1/1", "--output", output, *options)
    with h5py.File(output / "results.h5") as results:
        assert not results["status"][:].any(), results["status"][:]
        found = sorted(set(results[column][:]))
        assert found == values, f"{column}: {found} in place of {values}"
        assert np.isfinite(results["psnr"][:]).all()
        return {group: results["measurements"][group]["y"].shape for group in results["measurements"]}


copy_of_tree()
applied = apply_page()
assert len(applied) >= 14, applied
configure(["operators", "pipeline_samplers"])
run("cmake", "--build", build, "--target", "diffinv", "test_operators", "test_samplers",
    "test_golden_samplers", "test_jobs")
tests = build / "tests"
run(tests / "test_operators", "--gtest_brief=1", "--gtest_filter=*OperatorContract*:OperatorTable*:OperatorRows*")
run(tests / "test_samplers", "--gtest_brief=1", "--gtest_filter=Projection*:MethodTable*:RunSampler*")
run(tests / "test_golden_samplers", "--gtest_brief=1", "--gtest_filter=RowsAlone.EveryMethod*", cwd=source)
run(tests / "test_jobs", "--gtest_brief=1", "--gtest_filter=Examples*:Refusals*", cwd=source)
listed = [run(tests / suite, "--gtest_list_tests", capture_output=True).stdout for suite in ("test_operators", "test_samplers")]
assert "haze_oblong" in listed[0] and "Projection." in listed[1]
groups = check_job("haze", ["--steps", "3"], "haze_density", [0.5, 1.0])
assert sorted(groups) == ["haze_0.5", "haze_1"], groups
check_job("projection", ["--steps", "3"], "projection_lambda", [0.5, 1.0])
print("the recipes of docs/adding.md work")
