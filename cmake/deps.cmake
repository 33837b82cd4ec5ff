# cmake/deps.cmake: one target name per dependency; why each is here stands in docs/DESIGN.md, section "Libraries".
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# ZeroMQ: the transport. Debian ships no CMake package for libzmq, so pkg-config finds it.
pkg_check_modules(LIBZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3.4)
find_path(CPPZMQ_INCLUDE_DIR zmq.hpp REQUIRED)
add_library(sluice_dep_zmq INTERFACE)
target_link_libraries(sluice_dep_zmq INTERFACE PkgConfig::LIBZMQ)
target_include_directories(sluice_dep_zmq SYSTEM INTERFACE ${CPPZMQ_INCLUDE_DIR})

# msgpack: the body of a frame. Debian's own target pulls in Boost, which sluice does not need.
find_path(MSGPACK_INCLUDE_DIR msgpack.hpp REQUIRED)
add_library(sluice_dep_msgpack INTERFACE)
target_include_directories(sluice_dep_msgpack SYSTEM INTERFACE ${MSGPACK_INCLUDE_DIR})
target_compile_definitions(sluice_dep_msgpack INTERFACE MSGPACK_NO_BOOST MSGPACK_DEFAULT_API_VERSION=3)

# JSON for the access file, the outcome lines and status.
find_package(nlohmann_json 3.11 REQUIRED)
add_library(sluice_dep_json INTERFACE)
target_link_libraries(sluice_dep_json INTERFACE nlohmann_json::nlohmann_json)

# SQLite: the engine of the journal.
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
add_library(sluice_dep_sqlite INTERFACE)
target_link_libraries(sluice_dep_sqlite INTERFACE PkgConfig::SQLITE)

# Command line arguments.
find_package(CLI11 2.1 REQUIRED)
add_library(sluice_dep_cli INTERFACE)
target_link_libraries(sluice_dep_cli INTERFACE CLI11::CLI11)

# Logs of the long-lived roles.
find_package(spdlog 1.10 REQUIRED)
add_library(sluice_dep_log INTERFACE)
target_link_libraries(sluice_dep_log INTERFACE spdlog::spdlog)

# Tests.
if(SLUICE_BUILD_TESTS)
  find_path(DOCTEST_INCLUDE_DIR doctest/doctest.h REQUIRED)
  add_library(sluice_dep_doctest INTERFACE)
  target_include_directories(sluice_dep_doctest SYSTEM INTERFACE ${DOCTEST_INCLUDE_DIR})
endif()
