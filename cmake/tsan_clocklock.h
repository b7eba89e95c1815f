// Included before everything in builds with the thread sanitizer. Its run time of gcc 12 does not
// know pthread_mutex_clocklock, which std::timed_mutex calls, and then reports the unlock of a
// mutex that it never saw locked. Without the macro the library calls pthread_mutex_timedlock
// instead.
#pragma once

#include <version>

#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
