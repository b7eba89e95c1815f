// A function on a stack of its own that can pause in the middle, and go on later where it was: what
// lets code that waits run in a world of one thread. Not here: when it goes on (threads.h).
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

namespace aquifer::sim {

/// Stacks for fibers, used again and again.
class Stacks {
 public:
  Stacks() = default;
  ~Stacks();
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  static constexpr std::size_t kBytes = 256u << 10;
  /// The lowest address of one; below it there is a page that ends the process.
  std::byte* take();
  void give_back(std::byte* stack) { free_.push_back(stack); }

 private:
  std::vector<std::byte*> all_;
  std::vector<std::byte*> free_;
};

class Fiber {
 public:
  /// The stacks outlive it.
  Fiber(Stacks& stacks, std::function<void()> body);
  /// Requires that it has ended.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Begins it, or goes on with it, until it pauses or ends; throws what the body has thrown. Not
  /// to be called from a fiber.
  void resume();
  /// From within. Goes on with the next resume(); does nothing while the stack is unwound.
  void pause();
  /// Ends it where it is: its stack is unwound.
  void kill();
  bool has_ended() const { return ended_; }
  /// True within, while destructors run because something was thrown.
  static bool is_unwinding() { return std::uncaught_exceptions() != 0; }

 private:
  struct Killed {};
  static void enter(unsigned high, unsigned low);
  void run();
  void switch_in();
  void switch_out();

  Stacks& stacks_;
  std::byte* stack_;
  std::function<void()> body_;
  std::exception_ptr thrown_;
  bool killed_ = false;
  bool ended_ = false;
  ucontext_t inside_;
  ucontext_t outside_;
  // Of whoever has resumed it; for the address sanitizer.
  const void* outside_stack_ = nullptr;
  std::size_t outside_bytes_ = 0;
};

}  // namespace aquifer::sim
