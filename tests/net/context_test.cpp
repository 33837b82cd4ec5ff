// context_test.cpp: one context, shared, and ended with its last holder.
// SPDX-License-Identifier: MIT
#include "net/context.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/unique_fd.hpp"
#include "net/clock.hpp"
#include "net/poll_set.hpp"
#include "net/sockets.hpp"

using namespace sluice;

namespace {

// How a child ends that does so; -1 if it does not end.
template <typename Work>
int status_of_child(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  REQUIRE(child > 0);
  const exec::UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  REQUIRE(ended);
  net::PollSet poll;
  const auto slot = poll.watch_fd(ended.get());
  poll.wait(net::Clock::now() + std::chrono::seconds(10));
  CHECK(poll.readable(slot));
  if (!poll.readable(slot)) ::kill(child, SIGKILL);
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_SUITE("context") {
  TEST_CASE("all who ask get the same context while somebody holds it") {
    const auto first = net::Context::shared();
    CHECK(net::Context::shared() == first);
    CHECK(first->max_sockets() >= 1023);
  }

  TEST_CASE("a socket keeps its context") {
    std::weak_ptr<net::Context> watched;
    {
      auto context = net::Context::shared();
      watched = context;
      const net::Socket socket(std::move(context), zmq::socket_type::push);
      CHECK_FALSE(watched.expired());
    }
    CHECK(watched.expired());
  }

  TEST_CASE("open files are allowed up to the hard limit or 262144") {
    const std::size_t allowed = net::raise_open_file_limit();
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(allowed == std::min<rlim_t>(limit.rlim_cur, 262'144));
    CHECK(limit.rlim_cur >= std::min<rlim_t>(limit.rlim_max, 262'144));
  }

  // libzmq would spin in the child for ever: its I/O thread was not forked.
  TEST_CASE("a forked child can let go of a context") {
    auto context = net::Context::shared();
    const net::Socket socket(context, zmq::socket_type::push);
    CHECK(status_of_child([&] {
            // What the last owner's end comes to; the socket above would be one of them.
            context->~Context();
            return 0;
          }) == 0);
  }

#ifndef __SANITIZE_THREAD__  // which does not support threads in a forked child
  TEST_CASE("a forked child has a context of its own") {
    const auto context = net::Context::shared();
    const net::Socket socket(context, zmq::socket_type::push);
    CHECK(status_of_child([&] {
            const auto own = net::Context::shared();
            if (own == context) return 1;
            zmq::socket_t there(own->zmq(), zmq::socket_type::pull);
            zmq::socket_t here(own->zmq(), zmq::socket_type::push);
            there.bind("tcp://127.0.0.1:*");  // over its own I/O thread
            here.connect(there.get(zmq::sockopt::last_endpoint));
            here.send(zmq::buffer("word", 4), zmq::send_flags::none);
            zmq::message_t heard;
            return there.recv(heard) && heard.to_string() == "word" ? 0 : 2;
          }) == 0);
    CHECK(net::Context::shared() == context);
  }
#endif
}
