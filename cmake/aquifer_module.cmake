# One line per module: aquifer_module(pool DEPS memory LINK OpenSSL::SSL).

# Adds a folder when it has a CMakeLists.txt, so that a module appears with its first code.
function(aquifer_add_if_present folder)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
  endif()
endfunction()

# aquifer_module(NAME [DEPS module...] [LINK library...])
#   every *.cc in the folder but *_test.cc and main.cc -> static library aquifer_NAME
#   every *_test.cc                                    -> one GoogleTest program NAME_test, known to ctest
# DEPS are modules below this one and reach whoever links it; LINK are libraries from outside.
# A module without .cc files is an interface library.
function(aquifer_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LINK" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "aquifer_module(${name}): unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(TRANSFORM arg_DEPS PREPEND aquifer_)

  set(visibility PUBLIC)
  if(sources)
    add_library(aquifer_${name} STATIC ${sources})
    target_compile_options(aquifer_${name} PRIVATE ${AQUIFER_WARNINGS})
  else()
    set(visibility INTERFACE)
    add_library(aquifer_${name} INTERFACE)
  endif()
  target_include_directories(aquifer_${name} ${visibility} ${PROJECT_SOURCE_DIR}/src
                                             ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(aquifer_${name} ${visibility} ${arg_DEPS} ${arg_LINK} Threads::Threads)
  if(AQUIFER_TESTS)
    aquifer_module_tests(${name})
  endif()
endfunction()

# The tests beside a module's sources.
function(aquifer_module_tests name)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS *_test.cc)
  if(tests)
    aquifer_test_program(${name} "${tests}" aquifer_${name})
  endif()
endfunction()

# aquifer_tests(NAME [DEPS module...] [LINK library...]): every *.cc in the folder -> one GoogleTest
# program NAME_test; for tests/, where what crosses modules is tested.
function(aquifer_tests name)
  cmake_parse_arguments(arg "" "" "DEPS;LINK" ${ARGN})
  list(TRANSFORM arg_DEPS PREPEND aquifer_)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS *.cc)
  aquifer_test_program(${name} "${tests}" ${arg_DEPS} ${arg_LINK})
endfunction()

# Discovery of the single tests waits for ctest, so that building stays quick.
function(aquifer_test_program name tests)
  add_executable(${name}_test ${tests})
  target_compile_options(${name}_test PRIVATE ${AQUIFER_WARNINGS})
  target_link_libraries(${name}_test PRIVATE ${ARGN} GTest::gtest_main)
  gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 300)
endfunction()

# aquifer_program(NAME SOURCES file... [DEPS module...] [LINK library...]): a program in bin/.
function(aquifer_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LINK" ${ARGN})
  list(TRANSFORM arg_DEPS PREPEND aquifer_)
  add_executable(aquifer_program_${name} ${arg_SOURCES})
  set_target_properties(aquifer_program_${name}
                        PROPERTIES OUTPUT_NAME ${name}
                                   RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  target_compile_options(aquifer_program_${name} PRIVATE ${AQUIFER_WARNINGS})
  target_link_libraries(aquifer_program_${name} PRIVATE ${arg_DEPS} ${arg_LINK} Threads::Threads)
endfunction()
