# cmake/install.cmake: what `cmake --install` puts where, and how others find it again.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)

if(TARGET sluice_program)
  install(TARGETS sluice_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY ${SLUICE_SHARE}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(DIRECTORY ${SLUICE_SHARE}/bash-completion DESTINATION ${CMAKE_INSTALL_DATAROOTDIR})
  # Debian's zsh looks for completions of packages in a folder of its own.
  set(zsh_dir ${CMAKE_INSTALL_DATAROOTDIR}/zsh/site-functions)
  if(EXISTS /etc/debian_version)
    set(zsh_dir ${CMAKE_INSTALL_DATAROOTDIR}/zsh/vendor-completions)
  endif()
  install(DIRECTORY ${SLUICE_SHARE}/zsh/site-functions/ DESTINATION ${zsh_dir})
endif()
install(FILES README.md docs/DESIGN.md docs/JOURNAL.md docs/OPERATING.md docs/PROTOCOL.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
  FILES_MATCHING PATTERN *.cpp PATTERN *.c)
install(DIRECTORY include/sluice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN *.hpp PATTERN *.h)
install(TARGETS sluice EXPORT sluiceTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT sluiceTargets NAMESPACE sluice:: DESTINATION ${package_dir})

set(SLUICE_IS_ARCHIVE ON)
if(BUILD_SHARED_LIBS)
  set(SLUICE_IS_ARCHIVE OFF)
endif()
configure_package_config_file(cmake/sluiceConfig.cmake.in ${PROJECT_BINARY_DIR}/sluiceConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 any minor version may break the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sluiceConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sluiceConfig.cmake ${PROJECT_BINARY_DIR}/sluiceConfigVersion.cmake
  DESTINATION ${package_dir})

# Relative to the .pc file itself, so that the prefix can still be chosen at `cmake --install`.
file(RELATIVE_PATH SLUICE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" SLUICE_PC_PREFIX "${SLUICE_PC_PREFIX}")
# An archive does not know that it needs libzmq, SQLite and the library of C++, a shared library
# does. The archive's needs cannot be left to `pkg-config --static`, which on Debian names static
# libraries of libzmq's own that no compiler finds.
set(SLUICE_PC_REQUIRES "Requires: libzmq, sqlite3\n")
set(SLUICE_PC_LIBS " -lstdc++ -lm")
if(BUILD_SHARED_LIBS)
  set(SLUICE_PC_REQUIRES "")
  set(SLUICE_PC_LIBS "")
endif()
configure_file(cmake/sluice.pc.in ${PROJECT_BINARY_DIR}/sluice.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sluice.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(PROJECT_IS_TOP_LEVEL)
  include(${CMAKE_CURRENT_LIST_DIR}/package.cmake)
endif()
