#include "sim/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace aquifer::sim {
namespace {

constexpr std::size_t kGuardBytes = 4096;

// The address sanitizer is told of every change of stacks. `save`: what it keeps of the stack that
// is left; null when that one is not gone on with.
void begin_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                  [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}

void end_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** stack,
                [[maybe_unused]] std::size_t* bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(saved, stack, bytes);
#endif
}

}  // namespace

Stacks::~Stacks() {
  for (std::byte* stack : all_) {
    munmap(stack - kGuardBytes, kGuardBytes + kBytes);
  }
}

std::byte* Stacks::take() {
  if (!free_.empty()) {
    std::byte* const stack = free_.back();
    free_.pop_back();
    return stack;
  }
  void* const memory = mmap(nullptr, kGuardBytes + kBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  mprotect(memory, kGuardBytes, PROT_NONE);
  return all_.emplace_back(static_cast<std::byte*>(memory) + kGuardBytes);
}

Fiber::Fiber(Stacks& stacks, std::function<void()> body)
    : stacks_(stacks), stack_(stacks.take()), body_(std::move(body)) {
  AQ_CHECK(getcontext(&inside_) == 0);
  inside_.uc_stack.ss_sp = stack_;
  inside_.uc_stack.ss_size = Stacks::kBytes;
  inside_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

Fiber::~Fiber() { AQ_CHECK(ended_); }

void Fiber::enter(unsigned high, unsigned low) {
  reinterpret_cast<Fiber*>(std::uintptr_t{high} << 32 | low)->run();
}

void Fiber::run() {
  end_switch(nullptr, &outside_stack_, &outside_bytes_);
  try {
    if (!killed_) {
      body_();
    }
  } catch (const Killed&) {
  } catch (...) {
    thrown_ = std::current_exception();
  }
  body_ = {};
  ended_ = true;
  switch_out();
}

void Fiber::switch_in() {
  void* saved = nullptr;
  begin_switch(&saved, stack_, Stacks::kBytes);
  swapcontext(&outside_, &inside_);
  end_switch(saved, nullptr, nullptr);
}

void Fiber::switch_out() {
  void* saved = nullptr;
  begin_switch(ended_ ? nullptr : &saved, outside_stack_, outside_bytes_);
  swapcontext(&inside_, &outside_);
  end_switch(saved, &outside_stack_, &outside_bytes_);
}

void Fiber::resume() {
  switch_in();
  if (ended_) {
    stacks_.give_back(std::exchange(stack_, nullptr));
  }
  if (thrown_ != nullptr) {
    std::rethrow_exception(std::exchange(thrown_, nullptr));
  }
}

void Fiber::pause() {
  if (is_unwinding()) {
    return;
  }
  switch_out();
  if (killed_) {
    throw Killed();
  }
}

void Fiber::kill() {
  if (!ended_) {
    killed_ = true;
    resume();
  }
}

}  // namespace aquifer::sim
