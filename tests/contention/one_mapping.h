// One mapping of a segment for a whole process. The thread sanitizer knows memory by its address,
// so accesses by node and clients through mappings of their own would never meet. Where the program
// is linked for it (CMakeLists.txt), a file that is mapped already is handed out at the same
// address, and what the kernel reads or writes in it is copied as we copy, byte by byte and
// atomically.
#pragma once

#include <cstddef>

namespace aquifer::contention {

/// How often a mapping was shared so far; 0 in programs that are not linked for it.
std::size_t mappings_shared();

}  // namespace aquifer::contention
