// Letting go of the interpreter's lock (GIL) around everything that may wait, and coming back.
//
// Engines call from daemon threads and leave those running when the interpreter ends. Taking the
// GIL then makes CPython (before 3.14) end the thread with pthread_exit, whose unwinding through
// C++ frames that may not throw aborts the whole process. Such a thread is parked instead, as newer
// CPythons do.
#pragma once

#include <nanobind/nanobind.h>
#include <unistd.h>

#include <exception>

#include "aquifer/result.h"

namespace aquifer::python {

/// While one of these lives, other Python threads run. Nothing of Python may be touched meanwhile.
class WithoutGil {
 public:
  WithoutGil() : thread_(PyEval_SaveThread()) {}
  ~WithoutGil() { take_gil(thread_); }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  static void take_gil(PyThreadState* thread) noexcept {
    try {
      PyEval_RestoreThread(thread);
    } catch (...) {
      // Only pthread_exit's unwinding comes here. Leaving this block would abort; the end of the
      // process ends the thread.
      for (;;) pause();
    }
  }

  PyThreadState* thread_;
};

/// Runs `work`, which answers a Result, without the GIL. What it throws becomes an Error.
template <class F>
auto attempt(F&& work) -> decltype(work()) {
  const WithoutGil released;
  try {
    return work();
  } catch (const std::exception& error) {
    return Error{Status::kInternal, error.what(), ""};
  } catch (...) {
    return Error{Status::kInternal, "an unknown exception", ""};
  }
}

}  // namespace aquifer::python
