// network.hpp: sockets and pipes with ZeroMQ's contract, under virtual time.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"
#include "sim/timeline.hpp"

namespace sluice::sim {

/// A place where a process runs; processes come and go, hosts stay.
using Host = std::uint32_t;
using SocketId = std::uint32_t;  // 0: none. Never used again.

enum class SocketKind : std::uint8_t { dealer, router, push, pull };

/// What ZeroMQ promises, and nothing more:
///
/// - a pipe keeps the order of its messages, and has no order with any other pipe;
/// - when an end goes, what was queued there is lost, and of what was under way the tail may be;
/// - the other end learns of it, unless the path is blocked: then only its own silence tells it;
/// - connecting sockets connect anew by themselves, at the other side under a new peer id;
/// - a ROUTER refuses to send to a peer that is not there; a PUSH or DEALER without a connection
///   takes nothing.
///
/// A blocked path delays messages, as TCP does, until it is open again or an end gives up.
class Network {
 public:
  struct Arrival {
    core::PeerId from{};
    std::string frame;
  };
  enum class LinkEvent : std::uint8_t { none, connected, disconnected };
  /// The latency of a path, between these.
  struct Latency {
    Duration least = std::chrono::microseconds(40);
    Duration most = std::chrono::microseconds(400);
  };

  /// `wake` is called when a socket of that host has something new.
  Network(Timeline& timeline, std::uint64_t seed, std::function<void(Host)> wake)
      : timeline_(timeline), random_(seed), wake_(std::move(wake)) {}

  /// 0 if the address is taken.
  SocketId bind(Host host, SocketKind kind, const std::string& address);
  SocketId connect(Host host, SocketKind kind, const std::string& address);
  /// `linger`: what was sent still goes out.
  void close(SocketId id, bool linger = false);

  /// Dealer and push. False: no connection takes it now; it is left as it was.
  bool send(SocketId id, std::string& frame);
  /// Router. False: there is no such peer.
  bool send_to(SocketId id, core::PeerId peer, std::string frame);
  std::optional<Arrival> receive(SocketId id);
  LinkEvent next_event(SocketId id);
  std::optional<core::PeerId> next_departed(SocketId id);
  [[nodiscard]] bool has_input(SocketId id) const;

  // Faults.
  /// One way; `from` may still hear `to`. Counted: as often unblocked as blocked.
  void block(Host from, Host to, bool on);
  /// Its process stands still: it says nothing, but its kernel takes in what comes.
  void pause(Host host, bool on);
  void set_latency(Host a, Host b, Latency latency);
  /// What is sent from now on through connections of that kind takes so much longer.
  void delay(Host a, Host b, SocketKind kind, Duration by) { delays_[{pair_of(a, b), kind}] = by; }
  /// Breaks the connections of that kind of the connecting side between the two hosts.
  void cut(Host a, Host b, SocketKind kind);
  /// Breaks them with all that is under way in them, and both sides learn of it.
  void sever(Host a, Host b, SocketKind kind);
  /// Part of the departures is not seen from now on (as with transports that do not tell).
  void hide_departures(bool on) { hide_departures_ = on; }
  void heal();

  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  /// Called with each frame that leaves, and with each that arrives: (from, to, frame).
  std::function<void(Host, Host, std::string_view)> on_send, on_delivery;
  /// Called with each loss, for the trace.
  std::function<void(Host, Host, std::string_view)> on_loss;

 private:
  struct Flight {
    Time due{};
    bool is_end = false;  // the other side has closed
    std::string frame;
  };
  // end 0 is the connecting one; flying[0] goes from it to end 1
  struct Connection {
    std::array<SocketId, 2> socket{};
    std::array<Host, 2> host{};
    std::array<bool, 2> open{true, true};
    std::array<bool, 2> spoke{};
    std::array<std::deque<Flight>, 2> flying;
    std::array<bool, 2> stalled{};
    core::PeerId peer{};
  };
  struct Socket {
    Host host{};
    SocketKind kind{};
    std::string address;
    std::vector<std::uint32_t> connections;  // open ends
    std::map<core::PeerId, std::uint32_t> peers;
    std::deque<Arrival> inbox;
    std::deque<LinkEvent> events;
    std::deque<core::PeerId> departed;
    std::size_t turn = 0;  // of a push
    int attempts = 0;
  };
  using Path = std::pair<Host, Host>;

  [[nodiscard]] std::vector<std::uint32_t> between(Host a, Host b, SocketKind kind) const;
  void try_connect(SocketId id);
  void launch(std::uint32_t number, int from, Flight flight);
  void arrive(std::uint32_t number, int from);
  void close_end(std::uint32_t number, int end, bool linger);
  void ended(std::uint32_t number, int end);
  void watch_for_silence(std::uint32_t number);
  void became_silent(Host a, Host b);
  void resume_flights(Host a, Host b);
  [[nodiscard]] bool blocked(Host from, Host to) const;
  [[nodiscard]] bool impaired(Host a, Host b) const;
  Duration latency(Host a, Host b);
  static Path pair_of(Host a, Host b) { return a < b ? Path{a, b} : Path{b, a}; }

  Timeline& timeline_;
  core::Random random_;
  std::function<void(Host)> wake_;
  std::uint32_t last_socket_ = 0, last_connection_ = 0;
  std::uint64_t last_peer_ = 100;
  std::map<SocketId, Socket> sockets_;
  std::map<std::string, SocketId> bound_;
  std::map<std::uint32_t, Connection> connections_;
  std::map<Path, int> blocked_;
  std::set<Host> paused_;
  std::map<Path, Latency> latencies_;
  std::map<std::pair<Path, SocketKind>, Duration> delays_;
  std::map<Path, std::uint64_t> impairments_;  // how often a pair of hosts became impaired
  bool hide_departures_ = false;
  std::uint64_t delivered_ = 0;
};

}  // namespace sluice::sim
