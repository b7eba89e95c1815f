"""The list of shared libraries admits what every Debian has and OpenSSL, and nothing that only looks like it."""

import pytest

import check_ldd


@pytest.mark.parametrize("library", [
    "linux-vdso.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6",
    "libstdc++.so.6", "libgcc_s.so.1", "libssl.so.3", "libcrypto.so.3", "libpthread.so.0"])
def test_the_usual_libraries_are_allowed(library):
    assert check_ldd.is_allowed(library)


@pytest.mark.parametrize("library", [
    "libfmt.so.9", "libspdlog.so.1.10", "libboost_system.so.1.81.0", "libcares.so.2", "libz.so.1",
    "libpython3.11.so.1.0", "libasan.so.8"])
def test_others_are_not(library):
    assert not check_ldd.is_allowed(library)


def test_a_program_of_the_system_is_read():
    assert "libc.so.6" in check_ldd.libraries("/bin/ls")


def test_programs_and_modules_of_a_build_are_found(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aquifer").touch()
    (tmp_path / "python" / "aquifer").mkdir(parents=True)
    (tmp_path / "python" / "aquifer" / "_core.abi3.so").touch()
    assert [path.name for path in check_ldd.programs(tmp_path)] == ["aquifer", "_core.abi3.so"]
