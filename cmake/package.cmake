# cmake/package.cmake: what `cpack -G DEB` makes of a release build: one package with all of it.
set(SLUICE_PACKAGER "sluice contributors" CACHE STRING "Who answers for the package: NAME <ADDRESS>")

set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "sluice")
set(CPACK_PACKAGE_CONTACT "${SLUICE_PACKAGER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "brokerless work distribution for clusters")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A ventilator hands tasks out to workers over ZeroMQ, workers deliver
outcomes to a sink, and whatever nobody acknowledged comes back. There is
no broker to set up. This package has the program, and the library with its
headers for C++ and C.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libmsgpack-cxx-dev")  # for <sluice/typed.hpp>
if(BUILD_SHARED_LIBS)
  # Debian wants a trigger for the libraries to be known at once.
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  file(WRITE ${PROJECT_BINARY_DIR}/deb/triggers "activate-noawait ldconfig\n")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/deb/triggers)
else()
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libzmq3-dev, libsqlite3-dev")  # to link the archive
endif()

# Debian wants the log of changes compressed, under this name, without a time stamp.
find_program(SLUICE_GZIP gzip)
if(SLUICE_GZIP)
  set(log ${PROJECT_BINARY_DIR}/changelog.gz)
  add_custom_command(OUTPUT ${log} DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md
    COMMAND sh -c "gzip -9n < '${PROJECT_SOURCE_DIR}/CHANGELOG.md' > '${log}'" VERBATIM)
  add_custom_target(changelog ALL DEPENDS ${log})
  install(FILES ${log} DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
# Its manual pages, too.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/compress_manual.cmake)
include(CPack)
