// ipc_lock_test.cpp: a path belongs to one.
// SPDX-License-Identifier: MIT
#include "net/ipc_lock.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <optional>

#include "net/rig.hpp"
#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;

TEST_SUITE("ipc_lock") {
  TEST_CASE("a path is locked once, until its holder goes") {
    const TempFolder dir;
    const std::string path = dir.file("s");
    std::optional<net::IpcLock> first(path);
    CHECK_THROWS_AS(net::IpcLock{path}, Error);
    first.reset();
    CHECK_NOTHROW(net::IpcLock{path});
  }

  TEST_CASE("nothing is left of a lock that was let go") {
    const TempFolder dir;
    const std::string path = dir.file("s");
    { const net::IpcLock lock(path); }
    CHECK(::access((path + ".lock").c_str(), F_OK) != 0);
  }

  TEST_CASE("a directory that does not exist is named") {
    try {
      const net::IpcLock lock("/no/such/directory/s");
      FAIL("locked");
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("/no/such/directory/s.lock") != std::string::npos);
    }
  }
}
