// identity_test.cpp: default names.
// SPDX-License-Identifier: MIT
#include "net/identity.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

using namespace sluice;

TEST_SUITE("identity") {
  TEST_CASE("a default name is the host's and ends with the process id") {
    const std::string name = net::default_name();
    const std::string end = "-" + std::to_string(::getpid());
    CHECK(name.ends_with(end));
    CHECK(name.size() > end.size());
    CHECK(name.size() <= 128);
    CHECK(std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; }));
  }
}
