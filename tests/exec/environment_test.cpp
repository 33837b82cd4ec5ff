// environment_test.cpp: which variables a command sees.
// SPDX-License-Identifier: MIT
#include "exec/environment.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace sluice::exec {
namespace {

using Variables = std::vector<Environment::Variable>;

std::vector<std::string> list(char* const* env) {
  std::vector<std::string> entries;
  for (; *env != nullptr; ++env) entries.emplace_back(*env);
  std::sort(entries.begin(), entries.end());
  return entries;
}

constexpr const char* kBase[] = {"PATH=/bin", "HOME=/root", "HOME=/twice", "noise", nullptr};

}  // namespace

TEST_SUITE_BEGIN("environment");

TEST_CASE("the base alone is passed on, the first of a name once") {
  Environment environment(kBase);
  CHECK(list(environment.with({}, {})) == std::vector<std::string>{"HOME=/root", "PATH=/bin"});
}

TEST_CASE("later variables win over earlier ones and over the base") {
  Environment environment(kBase);
  environment.set({"MARK", "m"});
  const Variables first = {{"HOME", "/a"}, {"X", "1"}, {"X", "2"}};
  const Variables second = {{"X", "3"}, {"PATH", ""}};
  CHECK(list(environment.with(first, second)) ==
        std::vector<std::string>{"HOME=/a", "MARK=m", "PATH=", "X=3"});
  CHECK(environment.value("X") == "3");
  CHECK(environment.value("PATH").empty());
  CHECK(environment.value("MISSING").empty());
}

TEST_CASE("one command's variables do not reach the next one") {
  Environment environment(kBase);
  const Variables variables = {{"HOME", "/a"}, {"X", "1"}};
  REQUIRE(list(environment.with(variables, {})).size() == 3);
  CHECK(list(environment.with({}, {})) == std::vector<std::string>{"HOME=/root", "PATH=/bin"});
}

TEST_CASE("what no environment can express is not usable") {
  CHECK(Environment::is_usable({"A", "b=c"}));
  CHECK_FALSE(Environment::is_usable({"", "b"}));
  CHECK_FALSE(Environment::is_usable({"A=B", "c"}));
  CHECK_FALSE(Environment::is_usable({std::string("A\0", 2), "c"}));
  CHECK_FALSE(Environment::is_usable({"A", std::string("\0", 1)}));
}

TEST_SUITE_END();

}  // namespace sluice::exec
