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


@pytest.mark.parametrize("library", ["libssl.so.3", "libcrypto.so.3", "libfmt.so.9"])
def test_the_shared_library_brings_nothing_that_its_process_may_have_too(library):
    assert not check_ldd.is_allowed(library, check_ldd.ALLOWED_FOR_LIBRARY)


def test_programs_libraries_and_modules_of_a_build_are_found(tmp_path):
    for name in ("bin/aquifer", "python/aquifer/_core.abi3.so", "lib/libaquifer.so"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    found = {path.name: allowed for path, allowed in check_ldd.programs(tmp_path)}
    assert list(found) == ["aquifer", "_core.abi3.so", "libaquifer.so"]
    assert found["aquifer"] == found["_core.abi3.so"] == check_ldd.ALLOWED
    assert found["libaquifer.so"] == check_ldd.ALLOWED_FOR_LIBRARY
