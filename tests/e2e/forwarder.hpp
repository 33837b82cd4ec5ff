// forwarder.hpp: a TCP connection's middle man, who sits at another address of this machine.
// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::e2e {

[[nodiscard]] inline sockaddr_in socket_address(const char* host, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  REQUIRE(::inet_pton(AF_INET, host, &out.sin_addr) == 1);
  return out;
}

/// A plain TCP connection; -1 if nobody listens.
[[nodiscard]] inline int connect_to(const char* host, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = socket_address(host, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

/// Listens on `host` and passes each connection on to 127.0.0.1:`to`, both ways.
class Forwarder {
 public:
  Forwarder(const char* host, std::uint16_t to)
      : to_(to), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        stop_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in at = socket_address(host, 0);
    socklen_t size = sizeof at;
    REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    endpoint_ = "tcp://" + std::string(host) + ':' + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { run(); });
  }
  ~Forwarder() {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof one);
    thread_.join();
    for (const auto& [a, b] : pairs_) ::close(a), ::close(b);
    ::close(listener_);
    ::close(stop_);
  }
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> fds{{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const auto& [a, b] : pairs_) {
        fds.push_back({a, POLLIN, 0});
        fds.push_back({b, POLLIN, 0});
      }
      if (::poll(fds.data(), fds.size(), -1) < 0) continue;
      if (fds[0].revents != 0) return;
      for (std::size_t i = pairs_.size(); i-- > 0;) {
        const auto [a, b] = pairs_[i];
        const bool lives = (fds[2 + 2 * i].revents == 0 || pass(a, b)) &&
                           (fds[3 + 2 * i].revents == 0 || pass(b, a));
        if (lives) continue;
        ::close(a);
        ::close(b);
        pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (fds[1].revents == 0) continue;
      const int from = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int to = connect_to("127.0.0.1", to_);
      if (from >= 0 && to >= 0) pairs_.emplace_back(from, to);
    }
  }
  static bool pass(int from, int to) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got;) {
      const ssize_t wrote = ::send(to, buffer.data() + at, static_cast<std::size_t>(got - at),
                                   MSG_NOSIGNAL);
      if (wrote <= 0) return false;
      at += wrote;
    }
    return got > 0;
  }

  std::uint16_t to_;
  int listener_, stop_;
  std::string endpoint_;
  std::vector<std::pair<int, int>> pairs_;
  std::thread thread_;
};

}  // namespace sluice::e2e
