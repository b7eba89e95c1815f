# What is linked or included from outside. Everything else is headers in the compiler's own search path,
# each included from one module only (tools/check_layers.py holds the table).

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)

# Boost is headers only. 1.81 is the first with boost::unordered_flat_map, so 1.74 must not be picked up.
find_path(AQUIFER_BOOST_INCLUDE boost/unordered/unordered_flat_map.hpp)
if(NOT AQUIFER_BOOST_INCLUDE)
  message(FATAL_ERROR "Boost 1.81 or newer is missing: apt-get install libboost1.81-dev")
endif()

if(AQUIFER_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
