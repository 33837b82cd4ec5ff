// network.hpp: hosts in network namespaces of their own, and a switch between them that does harm.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <queue>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "e2e/process.hpp"

namespace sluice::chaos {

/// What happens to frames on their way from one host to another. Never are they reordered.
struct Way {
  bool cut = false;
  std::chrono::microseconds delay{0}, jitter{0};  ///< jitter: so much more at most
  unsigned loss_percent = 0;
};

/// Ethernet between veth pairs. The kernel forwards nothing: this class reads each frame from one
/// host's wire and writes it to another's, or not, or later. So it needs neither netem nor
/// netfilter, and what it does is the same on every kernel.
///
///   host 2 [v2]───w2┐               ┌w3───[v3] host 3
///                   ├── forward() ──┤
///   host 1 [v1]───w1┘  (a thread)   └w4───[v4] host 4
///
/// Host n has the address 10.77.0.n; host 1 is the process itself, which has to be in a private
/// world. All functions from one thread.
class Network {
 public:
  static constexpr std::size_t kHere = 1, kMostHosts = 16;

  explicit Network(std::uint64_t seed);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// A new host with an empty network; its number.
  [[nodiscard]] std::size_t add_host();
  [[nodiscard]] std::size_t hosts() const { return hosts_; }
  [[nodiscard]] static std::string address(std::size_t host) {
    return "10.77.0." + std::to_string(host);
  }
  /// What to put before a command so that it runs on that host.
  [[nodiscard]] e2e::Words on(std::size_t host) const;

  void set(std::size_t from, std::size_t to, const Way& way);
  void set_both(std::size_t a, std::size_t b, const Way& way);
  /// Between all hosts.
  void set_all(const Way& way);
  void heal() { set_all({}); }

  /// Resets the TCP connections that `host` has with `peer` (the kernel's own RST, to both ends);
  /// how many they were.
  [[nodiscard]] std::size_t reset(std::size_t host, std::size_t peer) const;
  /// The host is no longer there, for good: whatever still runs on it can tell nobody.
  void vanish(std::size_t host);
  /// Another host comes with the same addresses, as after a power failure.
  void come_back(std::size_t host);

  struct Counters {
    std::uint64_t passed = 0, dropped = 0, delayed = 0;
  };
  [[nodiscard]] Counters counters();

 private:
  using Clock = std::chrono::steady_clock;
  struct Port {
    int wire = -1;
    int name_space = -1;
  };
  struct Link {
    Way way;
    Clock::time_point last{};  // when the youngest frame on it is due
  };
  struct Delayed {
    Clock::time_point due;
    std::uint64_t order = 0;
    std::size_t from = 0, to = 0;
    std::vector<char> frame;
    bool operator<(const Delayed& other) const {  // the queue's top is what is due first
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  void attach(std::size_t host);
  void forward();
  void take_from(std::size_t from, std::span<char> buffer);
  void pass_on(std::size_t from, std::size_t to, std::span<const char> frame);
  void deliver_due();
  void write_to(std::size_t to, std::span<const char> frame);

  std::size_t hosts_ = 0;
  int switch_space_ = -1;
  int wake_ = -1;
  std::mutex mutex_;  // guards what follows
  bool stop_ = false;
  std::array<Port, kMostHosts + 1> ports_;
  std::array<std::array<Link, kMostHosts + 1>, kMostHosts + 1> links_;
  std::priority_queue<Delayed> delayed_;
  std::mt19937_64 random_;
  std::uint64_t order_ = 0;
  Counters counters_;
  std::thread thread_;
};

}  // namespace sluice::chaos
