// client_test.cpp: what a Client refuses at once, and how it says that nobody answers.
// SPDX-License-Identifier: MIT
#include <sluice/client.hpp>

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <string>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

#include "net/rig.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

std::string error_of(const ClientOptions& options) {
  try {
    const Client client(options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("client");

TEST_CASE("when nothing answers the error names the address, the file, its age and the cure") {
  const net::rig::TcpListener mute;  // takes the connection and says nothing
  const TempFolder folder;
  ClientOptions options;
  options.connect = "tcp://127.0.0.1:" + std::to_string(mute.port);
  options.connect_timeout = 100ms;
  CHECK(contains(error_of(options), options.connect));
  CHECK(contains(error_of(options), "within 100 ms"));
  CHECK(contains(error_of(options), "check that it runs"));

  options.access_file = folder.file("access.json");
  Access access = Access::of_this_process();
  access.control = options.connect;
  access.started -= 3h;
  access.write(options.access_file);
  const std::string error = error_of(options);
  CHECK(contains(error, options.access_file));
  CHECK(contains(error, "3 h 0 min ago"));
}

TEST_CASE("without an endpoint the access file tells it") {
  const net::rig::TcpListener mute;
  const TempFolder folder;
  ClientOptions options;
  options.connect_timeout = 100ms;
  options.access_file = folder.file("access.json");
  CHECK(contains(error_of(options), "no access file at " + options.access_file));
  Access access = Access::of_this_process();
  access.control = "tcp://127.0.0.1:" + std::to_string(mute.port);
  access.write(options.access_file);
  CHECK(contains(error_of(options), "no ventilator answers at " + access.control));

  ::setenv("SLUICE_ACCESS", options.access_file.c_str(), 1);
  options.access_file.clear();
  CHECK(contains(error_of(options), "no ventilator answers at " + access.control));
  ::unsetenv("SLUICE_ACCESS");
  CHECK(contains(error_of(options), "SLUICE_ACCESS"));
}

TEST_CASE("an address that is none is refused at once") {
  ClientOptions options;
  options.connect = "udp://127.0.0.1:1";
  CHECK_FALSE(error_of(options).empty());
  options.connect = "tcp://*:5570";
  CHECK_FALSE(error_of(options).empty());
}

TEST_CASE("limits of zero and long names are refused") {
  ClientOptions options;
  options.connect = "tcp://127.0.0.1:1";
  options.max_unconfirmed = 0;
  CHECK(contains(error_of(options), "must not be zero"));
  options = {};
  options.connect = "tcp://127.0.0.1:1";
  options.name = std::string(129, 'x');
  CHECK(contains(error_of(options), "128 bytes"));
}

TEST_SUITE_END();
