// address_list_test.cpp: which address is tried next.
// SPDX-License-Identifier: MIT
#include "net/address_list.hpp"

#include <doctest/doctest.h>

#include <sluice/error.hpp>

using namespace sluice;
using net::AddressList;

namespace {

Access access_of(const std::string& active, const std::vector<std::string>& standbys) {
  Access out;
  out.control = active;
  out.standbys = standbys;
  return out;
}

}  // namespace

TEST_SUITE("address_list") {
  TEST_CASE("addresses are tried in turn, one for each attempt") {
    AddressList list("tcp://a:1,tcp://b:2");
    CHECK(list.next().text() == "tcp://a:1");
    CHECK(list.next().text() == "tcp://b:2");
    CHECK(list.next().text() == "tcp://a:1");
    CHECK(list.text() == "tcp://a:1 or tcp://b:2");
  }

  TEST_CASE("one address is tried again and again") {
    AddressList list("tcp://a:1");
    CHECK(list.next().text() == "tcp://a:1");
    CHECK(list.next().text() == "tcp://a:1");
  }

  TEST_CASE("the one that was right is tried first when it is lost") {
    AddressList list("tcp://a:1,tcp://b:2,tcp://c:3");
    static_cast<void>(list.next());
    static_cast<void>(list.next());
    list.reached(net::Endpoint::parse("tcp://elsewhere:9"));
    list.reached(net::Endpoint::parse("tcp://b:2"));
    CHECK(list.next().text() == "tcp://b:2");
    CHECK(list.next().text() == "tcp://c:3");
  }

  TEST_CASE("an access file that names another active one is news") {
    AddressList list("tcp://a:1,tcp://b:2");
    static_cast<void>(list.next());
    CHECK_FALSE(list.learn(access_of("tcp://a:1", {"tcp://b:2"})));
    CHECK(list.learn(access_of("tcp://b:2", {})));
    CHECK(list.next().text() == "tcp://b:2");
    CHECK(list.size() == 1);
  }

  TEST_CASE("another standby is learnt of, and no reason to hurry") {
    AddressList list("tcp://a:1");
    static_cast<void>(list.next());
    CHECK_FALSE(list.learn(access_of("tcp://a:1", {"tcp://b:2"})));
    CHECK(list.size() == 2);
  }

  TEST_CASE("nonsense in a file changes nothing") {
    AddressList list("tcp://a:1,tcp://b:2");
    CHECK_FALSE(list.learn(access_of("here", {})));
    CHECK_FALSE(list.learn(access_of("tcp://c:3", {"tcp://*:4"})));
    CHECK(list.size() == 2);
  }

  TEST_CASE("a list has addresses to connect to, and an address twice is one") {
    CHECK(AddressList("tcp://a:1,tcp://a:1").size() == 1);
    CHECK_THROWS_AS(AddressList(""), Error);
    CHECK_THROWS_AS(AddressList("tcp://a:1,"), Error);
    CHECK_THROWS_AS(AddressList("tcp://*:1"), Error);
  }
}
