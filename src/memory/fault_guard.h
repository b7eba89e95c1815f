// Contains page faults on pool memory. A segment's file can be cut short or hit by a memory error
// under a reader; the kernel then sends SIGBUS. Inside guarded() such a fault on the named range
// ends the body and is reported; every other SIGBUS goes to the handler that was there before ours.
#pragma once

#include <setjmp.h>

#include <cstddef>
#include <cstdint>

namespace aquifer::memory {

/// Installs the chained SIGBUS handler once; called when the first segment is mapped, never at
/// load. Thread-safe.
void install_fault_handler();

struct FaultScope {
  sigjmp_buf back;
  std::uintptr_t first;
  std::uintptr_t end;
  FaultScope* outer;
};

FaultScope*& current_fault_scope();

/// Runs `body`, which may touch [address, address + bytes); false when a fault on that range cut it
/// short. The body must own nothing that needs a destructor: it is left by a jump. Nests.
/// Thread-safe.
template <class Body>
[[nodiscard]] bool guarded(const void* address, std::size_t bytes, Body&& body) {
  FaultScope scope;
  scope.first = reinterpret_cast<std::uintptr_t>(address);
  scope.end = scope.first + bytes;
  FaultScope*& current = current_fault_scope();
  scope.outer = current;
  if (sigsetjmp(scope.back, 0) != 0) {
    current_fault_scope() = scope.outer;
    return false;
  }
  current = &scope;
  body();
  current = scope.outer;
  return true;
}

}  // namespace aquifer::memory
