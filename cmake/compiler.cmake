# How every file is compiled: the standard, the warnings, the build types, the sanitizers, the cache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
# -g1 keeps line numbers for stack traces and costs a third of the build time of -g.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

find_program(AQUIFER_CCACHE ccache)
if(AQUIFER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AQUIFER_CCACHE})
endif()

# No -march: code for newer processors is chosen at run time. No -Wsign-conversion: the casts that it
# asks for hide more errors than they show.
set(AQUIFER_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
if(AQUIFER_WERROR AND NOT AQUIFER_SANITIZE)
  list(APPEND AQUIFER_WARNINGS -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 sees reads past the end in the inlined moves of Boost's small vectors.
  list(APPEND AQUIFER_WARNINGS -Wno-stringop-overread)
  # With -O3, gcc 12 sees overlapping copies in plain std::string code (gcc bug 105651).
  list(APPEND AQUIFER_WARNINGS -Wno-missing-field-initializers $<$<CONFIG:Release>:-Wno-restrict>)
endif()
add_compile_options(-fno-plt)
add_compile_definitions(AQUIFER_VERSION="${PROJECT_VERSION}")

if(AQUIFER_SANITIZE)
  # -UNDEBUG: the libraries' own assertions count too. The sanitizers' rewriting gives gcc false ideas
  # of uninitialised values; the plain build is the one in which a warning is an error.
  string(REPLACE "," ";" sanitizers "${AQUIFER_SANITIZE}")
  foreach(sanitizer IN LISTS sanitizers)
    add_compile_options(-fsanitize=${sanitizer})
    add_link_options(-fsanitize=${sanitizer})
  endforeach()
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
  add_compile_options(-fno-omit-frame-pointer -fno-sanitize-recover=all)
  list(APPEND AQUIFER_WARNINGS -Wno-maybe-uninitialized)
  if(AQUIFER_SANITIZE MATCHES "thread")
    add_compile_definitions(AQUIFER_THREAD_SANITIZER=1)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      list(APPEND AQUIFER_WARNINGS -Wno-tsan)
      add_compile_options(-include ${PROJECT_SOURCE_DIR}/cmake/tsan_clocklock.h)
    endif()
  endif()
endif()
