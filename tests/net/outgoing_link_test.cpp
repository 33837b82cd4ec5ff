// outgoing_link_test.cpp: a link that cannot be opened says so, and can be opened later.
// SPDX-License-Identifier: MIT
#include "net/outgoing_link.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "exec/unique_fd.hpp"
#include "net/rig.hpp"
#include "net/router.hpp"

using namespace sluice;
using net::OutgoingLink;

TEST_SUITE("outgoing link") {
  // Whoever opens one in a loop must not be thrown out of it.
  TEST_CASE("without descriptors a link is disconnected, once, and connects when there are some") {
    const auto context = net::Context::shared();
    net::Router router(context, net::rig::any_port(), net::rig::kMaxFrame);
    OutgoingLink link(context, router.endpoint(), wire::Role::producer, {},
                      net::FramePool::make());
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const exec::UniqueFd lowest(::dup(STDERR_FILENO));
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(lowest.get());
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    link.open();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(link.is_open());
    CHECK(link.next_event() == OutgoingLink::Event::disconnected);
    CHECK(link.error().find("ulimit -n") != std::string::npos);
    CHECK(link.next_event() == OutgoingLink::Event::none);
    link.open();
    CHECK(net::rig::wait_until(
        {}, [&] { return link.next_event() == OutgoingLink::Event::connected; }));
  }
}
