"""Edges of what a program may do or be called, none of which is an error of its own or of ours."""

import os
import subprocess

import pytest
from conftest import LIBRARY, clean_environment, find_profiles, line_of


@pytest.mark.hazard("the loader's lock")
def test_no_error_of_the_loader_is_left(tmp_path):
    """A program that asks dlerror() first thing, traced or not, hears of nothing."""
    source, program = tmp_path / "ask.c", tmp_path / "ask"
    source.write_text("#include <dlfcn.h>\n#include <stdio.h>\n"
                      "int main(void) { const char *e = dlerror(); puts(e ? e : \"none\"); return 0; }\n")
    subprocess.run(["cc", "-o", program, source], check=True)
    done = subprocess.run([program], env=clean_environment(LD_PRELOAD=LIBRARY), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("none\n", "")


def test_nor_in_a_python(trace, any_python):
    run = trace(any_python, "-c",
                "import ctypes; e = ctypes.CDLL(None).dlerror; e.restype = ctypes.c_char_p; e(); print(e())")
    assert run.stdout == "None\n"


def test_working_directory_that_is_gone(any_python, tmp_path):
    """A relative pattern has no place there: the profile goes where it goes when one can't write."""
    folder, marker = tmp_path / "gone", f"edge-{os.getpid()}.memtrace"
    folder.mkdir()
    places = ["/", f"/var/tmp/memtrace-{os.getuid()}"]
    try:
        done = subprocess.run(["sh", "-c", f'cd "{folder}" && rmdir "{folder}" && exec "$0" -c "print(7)"', any_python],
                              env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=marker),
                              capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "7\n")
        assert [os.path.exists(os.path.join(place, marker)) for place in places] == [False, True]
        assert f"can't write {marker}" in done.stderr and places[1] in done.stderr
    finally:
        for place in places:
            if os.path.exists(os.path.join(place, marker)):
                os.unlink(os.path.join(place, marker))


EARLY = """
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	static char *const again[] = {"AGAIN=1", NULL};
	(void)argc;
	for (char **at = envp; *at; at++)
		if (strcmp(*at, "AGAIN=1") == 0)
			return;
	execve("/proc/self/exe", argv, again);
}
"""


def test_a_constructor_before_ours_may_exec(tmp_path):
    """Of what is preloaded, the last is begun first."""
    (tmp_path / "early.c").write_text(EARLY)
    (tmp_path / "main.c").write_text('#include <stdio.h>\nint main(void) { puts("done"); return 0; }\n')
    early, program = tmp_path / "early.so", tmp_path / "main"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", early, tmp_path / "early.c"], check=True)
    subprocess.run(["cc", "-o", program, tmp_path / "main.c"], check=True)
    done = subprocess.run([program], env={"LD_PRELOAD": f"{LIBRARY}:{early}"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


LISTS = """
#include <string.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
	if (argc != 2 || execl("/no/such", "echo" WORDS, NULL) != -1)
		return 1;
	if (!strcmp(argv[1], "l"))
		execl("/bin/echo", "echo" WORDS, NULL);
	if (!strcmp(argv[1], "lp"))
		execlp("echo", "echo" WORDS, NULL);
	execle("/bin/echo", "echo" WORDS, NULL, environ);
	return 2;
}
"""


@pytest.mark.parametrize("count", [0, 1, 254, 255, 256, 5000])
def test_lists_of_arguments_of_any_length(tmp_path, count):
    """execl, execlp and execle, after one that fails."""
    source, program, words = tmp_path / "list.c", tmp_path / "list", [str(n) for n in range(count)]
    source.write_text(LISTS.replace(" WORDS", "".join(f', "{word}"' for word in words)))
    subprocess.run(["cc", "-w", "-o", program, source], check=True)
    for which in ("l", "lp", "le"):
        done = subprocess.run([program, which], env=clean_environment(LD_PRELOAD=LIBRARY), capture_output=True,
                              text=True)
        assert (done.returncode, done.stdout.split(), done.stderr) == (0, words, "")


@pytest.mark.parametrize("name", ["s" * 252, "\u00e9" * 126, "x" + "\u00e9" * 125])
def test_script_with_a_long_name(any_python, tmp_path, name):
    """Its name and the profile's suffixes together are longer than a file's name may be."""
    script = tmp_path / f"{name}.py"
    script.write_text("print(7)\n")
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run([any_python, script], cwd=out, env=clean_environment(LD_PRELOAD=LIBRARY),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")
    (profile,) = find_profiles(out)
    shown, pid, suffix = profile.name.rsplit(".", 2)
    assert name.startswith(shown) and len(shown.encode()) in (198, 199)
    assert pid.isdigit() and suffix == "memtrace"


MAPPINGS = """\
import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
PRIVATE, NORESERVE = 0x22, 0x4000
kept = libc.mmap(None, 8 << 20, 3, PRIVATE, -1, 0)  # kept
for address, size in (kept + 1, 8 << 20), (kept, 0), (kept + 16, 4096):
    assert libc.munmap(address, size) == -1 and ctypes.get_errno() == errno.EINVAL
huge = libc.mmap(None, (16 << 40) + 4096, 0, PRIVATE | NORESERVE, -1, 0)
if huge in (None, 2 ** 64 - 1):
    print("no room")
else:
    # Inside it a mapping is made, and goes with the whole.
    libc.mmap(huge + (3 << 40), 4 << 20, 3, PRIVATE | 0x10, -1, 0)  # inside
    assert libc.munmap(huge, (16 << 40) + 4096) == 0
    print("unmapped")
"""


def test_mappings_refused_and_immense(trace, python, tmp_path):
    script = tmp_path / "mappings.py"
    script.write_text(MAPPINGS)
    run = trace(python, script)
    assert run.line(script, line_of(script, "# kept"))["size_bytes"] in range(8 << 20, (8 << 20) + 4096)
    if run.stdout != "unmapped\n":
        pytest.skip("no 16 TiB of address space to reserve here: lift the limit on virtual memory")
    inside = run.line(script, line_of(script, "# inside"))
    assert inside["total_bytes"] >= 4 << 20 and inside["size_bytes"] < 4096
