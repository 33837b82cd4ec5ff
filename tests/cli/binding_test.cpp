// binding_test.cpp: what may be listened on without keys.
// SPDX-License-Identifier: MIT
#include "cli/binding.hpp"

#include <doctest/doctest.h>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

std::string refusal(const std::string& endpoint) {
  try {
    (void)exposure(endpoint, false);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_SUITE("binding") {
  TEST_CASE("what only this machine can reach needs no word and no warning") {
    for (const char* const endpoint :
         {"tcp://127.0.0.1:*", "tcp://localhost:5570", "tcp://[::1]:0", "tcp://127.8.9.1:1",
          "ipc:///tmp/sluice", "127.0.0.1:5570"}) {
      CAPTURE(endpoint);
      CHECK(exposure(endpoint, false).empty());
      CHECK(exposure(endpoint, true).empty());
    }
  }

  TEST_CASE("everything else is refused, with the reason and the cure") {
    for (const char* const endpoint :
         {"tcp://*:5570", "tcp://0.0.0.0:*", "tcp://[::]:5570", "tcp://10.1.2.3:5570",
          "tcp://head:5570", "tcp://eth0:5570"}) {
      CAPTURE(endpoint);
      const std::string text = refusal(endpoint);
      CHECK(text.find("--insecure") != std::string::npos);
      CHECK(text.find("run commands as this user") != std::string::npos);
    }
  }

  TEST_CASE("with --insecure it is allowed, with a warning that says why") {
    const std::string warning = exposure("tcp://*:5570", true);
    CHECK(warning.find("all interfaces") != std::string::npos);
    CHECK(warning.find("run commands as this user") != std::string::npos);
    CHECK(exposure("tcp://10.1.2.3:5570", true).find("10.1.2.3") != std::string::npos);
  }

  TEST_CASE("what is no endpoint is refused whether or not it may be insecure") {
    CHECK_THROWS_AS((void)exposure("udp://127.0.0.1:1", true), Error);
    CHECK_THROWS_AS((void)exposure("tcp://127.0.0.1", false), Error);
  }

  TEST_CASE("a program of its own cannot be reached inside itself") {
    CHECK_THROWS_AS((void)exposure_of_role("inproc://x", true), Error);
    CHECK(exposure_of_role("ipc:///tmp/x", false).empty());
  }

  TEST_CASE("the sink of a ventilator listens on the same host, on a port of its own") {
    CHECK(sink_beside("tcp://127.0.0.1:5570") == "tcp://127.0.0.1:0");
    CHECK(sink_beside("tcp://*:*") == "tcp://*:0");
    CHECK(sink_beside("tcp://[::1]:5570") == "tcp://[::1]:0");
    CHECK(sink_beside("ipc:///tmp/v") == "ipc:///tmp/v-sink");
    CHECK_THROWS_AS((void)sink_beside("ipc://" + std::string(106, 'x')), Error);
  }
}

}  // namespace
}  // namespace sluice::cli
