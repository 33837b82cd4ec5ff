// private_world.cpp: the same test case, once more, elsewhere.
// SPDX-License-Identifier: MIT
#include "chaos/private_world.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "chaos/plan.hpp"
#include "e2e/handler_cluster.hpp"

namespace sluice::chaos {
namespace {

constexpr const char* kInside = "SLUICE_CHAOS_INSIDE";
constexpr std::chrono::milliseconds kLongest{600'000};

// Commas part the patterns of doctest.
std::string pattern(const std::string& name) {
  std::string out;
  for (const char c : name) out += c == ',' ? std::string("\\,") : std::string(1, c);
  return out;
}

e2e::Words unshare() {
  e2e::Words words{"unshare", "--net", "--mount"};
  if (::geteuid() != 0) words.insert(words.end(), {"--user", "--map-root-user"});
  return words;
}

}  // namespace

bool in_private_world() {
  if (std::getenv(kInside) != nullptr) {
    REQUIRE(e2e::run({"ip", "link", "set", "lo", "up"}).code == 0);
    return true;
  }
  e2e::Words words = unshare();
  words.emplace_back("true");
  const e2e::Ran possible = e2e::run(words);
  if (possible.code != 0) {
    skip("no network of its own can be had here (" + std::string(words.front()) + ": " +
         (possible.err.empty() ? "not found" : possible.err) + ")");
    return false;
  }
  words.back() = e2e::this_program();
  words.push_back("--test-case=" +
                  pattern(doctest::getContextOptions()->currentTest->m_name));
  e2e::ProcessOptions options;
  options.env = {{kInside, "1"}};
  const e2e::Ran ran = e2e::run(words, options, kLongest);
  std::printf("%s%s", ran.out.c_str(), ran.err.c_str());
  std::fflush(stdout);
  CHECK_MESSAGE(ran.code == 0, "it failed in its private world; what it said stands above");
  return false;
}

}  // namespace sluice::chaos
