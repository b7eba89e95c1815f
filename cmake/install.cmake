# What cmake --install brings: the program, the library, the headers, and what lets CMake and
# pkg-config find them. All of it finds itself, so the tree may be moved. pip installs its own part
# (python/CMakeLists.txt).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/aquifer)

install(TARGETS aquifer_program_aquifer aquifer_program_mmc_meta_service RUNTIME COMPONENT runtime)
install(TARGETS aquifer_mf_memcache LIBRARY COMPONENT runtime)
install(DIRECTORY include/memcache DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.h")
install(TARGETS aquifer_shared EXPORT aquifer
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/aquifer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)

install(EXPORT aquifer NAMESPACE aquifer:: FILE aquifer-targets.cmake DESTINATION ${package}
        COMPONENT development)
configure_package_config_file(cmake/aquifer-config.cmake.in aquifer-config.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(aquifer-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/aquifer-config.cmake
              ${PROJECT_BINARY_DIR}/aquifer-config-version.cmake
        DESTINATION ${package} COMPONENT development)

# From lib/pkgconfig back to the prefix, however deep lib is.
file(RELATIVE_PATH AQUIFER_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/aquifer.pc.in aquifer.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/aquifer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)
