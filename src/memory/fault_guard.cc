#include "memory/fault_guard.h"

#include <signal.h>

#include <cstring>
#include <mutex>

namespace aquifer::memory {
namespace {

thread_local FaultScope* t_scope = nullptr;
struct sigaction g_previous;

void pass_on(int signal, siginfo_t* info, void* context) {
  if ((g_previous.sa_flags & SA_SIGINFO) != 0 && g_previous.sa_sigaction != nullptr) {
    g_previous.sa_sigaction(signal, info, context);
    return;
  }
  if (g_previous.sa_handler == SIG_IGN) {
    return;
  }
  if (g_previous.sa_handler != SIG_DFL) {
    g_previous.sa_handler(signal);
    return;
  }
  // The default action: let the faulting instruction run again without us.
  struct sigaction plain;
  std::memset(&plain, 0, sizeof plain);
  plain.sa_handler = SIG_DFL;
  sigaction(signal, &plain, nullptr);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  FaultScope* scope = t_scope;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (scope != nullptr && address >= scope->first && address < scope->end) {
    siglongjmp(scope->back, 1);
  }
  pass_on(signal, info, context);
}

}  // namespace

FaultScope*& current_fault_scope() { return t_scope; }

void install_fault_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction ours;
    std::memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_bus_error;
    // NODEFER: the handler is left by a jump that does not restore the signal mask.
    ours.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaction(SIGBUS, &ours, &g_previous);
  });
}

}  // namespace aquifer::memory
